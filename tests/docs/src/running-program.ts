/** Owns: one process that a test started: what it prints, and its end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { vi } from 'vitest';

/** After which a program counts as stuck. */
const PATIENCE_MS = 30_000;

export interface Outcome {
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  /** It took too long. */
  readonly wasKilled: boolean;
  readonly stdout: string;
  /** Both streams. */
  readonly output: string;
}

export class RunningProgram {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  #hasEnded = false;
  #stdout = '';
  #output = '';

  constructor(file: string, args: readonly string[], options: { cwd: string; env: NodeJS.ProcessEnv }) {
    this.#child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
      this.#output += text;
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
    this.#closed = once(this.#child, 'close').then(() => {
      this.#hasEnded = true;
    });
  }

  get stdout(): string {
    return this.#stdout;
  }

  /**
   * Waits until a check does not throw any more.
   * @throws Error with the last mistake and all that was printed, also when the program ends before
   */
  async until<T>(check: () => T | Promise<T>): Promise<T> {
    const attempt = async (): Promise<{ value: T } | { error: unknown }> => {
      try {
        return { value: await check() };
      } catch (error) {
        if (!this.#hasEnded) throw error;
        return { error };
      }
    };
    const found = await vi.waitFor(attempt, { timeout: PATIENCE_MS }).catch((error: unknown) => ({ error }));
    if ('value' in found) return found.value;
    throw new Error(`${this.#hasEnded ? 'it ended: ' : ''}${String(found.error)}\n${this.#output}`);
  }

  /** Its end; one that takes too long is killed. */
  async ended(): Promise<Outcome> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE_MS);
    await this.#closed;
    clearTimeout(timer);
    const { exitCode, signalCode } = this.#child;
    return {
      exitCode: exitCode ?? undefined,
      wasKilled: signalCode === 'SIGKILL',
      stdout: this.#stdout,
      output: this.#output,
    };
  }

  /** Asks it to end. */
  stop(): Promise<Outcome> {
    this.#child.kill('SIGTERM');
    return this.ended();
  }
}
