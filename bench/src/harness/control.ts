/** A child process that answers each command with one reply, over IPC: load, publisher, callers. */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants, getPriority, setPriority } from 'node:os';
import path from 'node:path';
import { nodeAt, onLeftovers, type Place, pinned } from './cores.js';

/** How long a command may take: ten thousand connections on a busy machine need a minute. */
const ANSWER_MS = 300_000;

export interface ControlledOptions {
  readonly place?: Place;
  readonly args?: readonly string[];
  /** Whether others of its core come first: for those that make the load, beside those that notice. */
  readonly yields?: boolean;
  /** Whether it gets only what all others leave: for a flood that would come from other machines. */
  readonly leftovers?: boolean;
}

/** By how much, as `nice` counts: a tenth of the time where both want the core. */
const YIELDING = 10;
const { PRIORITY_LOW: LAST } = constants.priority;

export class ControlledProcess<Command extends object, Reply extends object> {
  readonly #child: ChildProcess;
  readonly #name: string;
  #waiting: { resolve: (reply: Reply) => void; reject: (error: Error) => void } | undefined;

  /** @param program built program, relative to dist */
  constructor(program: string, options: ControlledOptions = {}) {
    const { place = 'load', args = [], yields = false, leftovers = false } = options;
    this.#name = program;
    const script = path.join(import.meta.dirname, program);
    const command = [...nodeAt(place), script, ...args];
    const [file, ...words] = pinned(place, leftovers ? onLeftovers(command) : command);
    this.#child = spawn(file, words, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, NODE_ENV: 'production' },
    });
    if (yields && this.#child.pid !== undefined) setPriority(this.#child.pid, Math.min(getPriority() + YIELDING, LAST));
    this.#child.on('message', (reply) => this.#answer(reply as Reply | { error: string }));
    this.#child.on('error', (error) => this.#fail(error));
    this.#child.on('exit', (code) => this.#fail(new Error(`${program} ended with ${code}`)));
  }

  get pid(): number {
    return this.#child.pid ?? Number.NaN;
  }

  /** One at a time. @throws Error what the process could not do */
  ask(command: Command): Promise<Reply> {
    const timer = setTimeout(() => this.#fail(new Error(`${this.#name} does not answer`)), ANSWER_MS);
    return new Promise<Reply>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#child.send(command, (error) => {
        if (error) this.#fail(error);
      });
    }).finally(() => clearTimeout(timer));
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }

  #answer(reply: Reply | { error: string }): void {
    if ('error' in reply) {
      this.#fail(new Error(`${this.#name}: ${reply.error}`));
      return;
    }
    this.#waiting?.resolve(reply);
    this.#waiting = undefined;
  }

  #fail(error: Error): void {
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
}
