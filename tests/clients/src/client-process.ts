/** Workers and callers of other languages, as processes. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { vi } from 'vitest';
import type { Command } from './language.js';

export interface Ask {
  readonly service: string;
  readonly method: string;
  readonly input?: unknown;
  readonly timeoutMs?: number;
  readonly idempotent?: boolean;
  readonly key?: string;
  readonly route?: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly trace?: string;
  readonly stream?: boolean;
}

export interface Outcome {
  readonly value?: unknown;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly parts?: readonly unknown[];
  readonly error?: {
    readonly code: number;
    readonly name: string;
    readonly message: string;
    readonly retryable: boolean;
    readonly details: Readonly<Record<string, unknown>>;
  };
}

/** Whoever makes calls. */
export interface Asker {
  ask(ask: Ask): Promise<Outcome>;
}

class ClientProcess {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly lines: string[] = [];
  errors = '';
  readonly #exited: Promise<number | null>;

  constructor([file, ...first]: Command, args: readonly string[], keys?: string) {
    const env = keys === undefined ? process.env : { ...process.env, KEYS: keys };
    this.child = spawn(file, [...first, ...args], { stdio: ['pipe', 'pipe', 'pipe'], env });
    createInterface(this.child.stdout).on('line', (line) => this.onLine(line));
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text;
    });
    this.#exited = once(this.child, 'close').then(([code]) => code as number | null);
  }

  /** @returns its exit code, null when the signal ended it */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal);
    return this.#exited;
  }

  exited(): Promise<number | null> {
    return this.#exited;
  }

  protected onLine(line: string): void {
    this.lines.push(line);
  }
}

export class WorkerProcess extends ClientProcess {
  constructor(command: Command, service: string, addresses: readonly string[], keys?: string) {
    super(command, [service, ...addresses], keys);
  }

  async said(line: string, times = 1): Promise<void> {
    await vi.waitFor(
      () => {
        if (this.lines.filter((each) => each === line).length < times)
          throw new Error(`${line} not yet\n${this.errors}`);
      },
      { timeout: 10_000, interval: 10 },
    );
  }
}

/** Answers each line that it is given with a line. */
class AnsweringProcess<Question, Answer> extends ClientProcess {
  readonly #waiting: { resolve(answer: Answer): void; reject(error: Error): void }[] = [];

  constructor(command: Command, args: readonly string[], keys?: string) {
    super(command, args, keys);
    void this.exited().then(() => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error(`the process ended: ${this.errors}`));
    });
  }

  ask(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.child.stdin.write(`${JSON.stringify(question)}\n`);
    });
  }

  protected override onLine(line: string): void {
    this.#waiting.shift()?.resolve(JSON.parse(line) as Answer);
  }
}

/** Its arguments are addresses of brokers. */
export class CallerProcess extends AnsweringProcess<Ask, Outcome> implements Asker {}

/** Its arguments are the url of a push endpoint and a token, or the address of a broker; it is asked as the endpoint is. */
export class PusherProcess extends AnsweringProcess<object, unknown> {}
