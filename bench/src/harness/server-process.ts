/** A server: a process, as a rule on a core of its own, that says on its standard output where it listens. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type Place, pinned } from './cores.js';

/** How long a server may take to start. */
const START_MS = 15_000;

export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #errors = '';

  /** @param command program and arguments */
  constructor(command: readonly string[], place: Place = 'server') {
    const [file, ...args] = pinned(place, command);
    this.#child = spawn(file, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, NODE_ENV: 'production' },
    });
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new Error('the server has no output');
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-4_000);
    });
    this.#child.on('error', (error) => {
      this.#errors += error.message;
    });
  }

  get pid(): number {
    return this.#child.pid ?? Number.NaN;
  }

  /** The next line that it says, parsed. @throws Error when it ends or says nothing in time */
  async answer(timeoutMs = START_MS): Promise<Record<string, unknown>> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('the server says nothing')), timeoutMs);
    });
    try {
      const { value, done } = await Promise.race([this.#lines.next(), late]);
      if (done) throw new Error(`the server ended: ${this.#errors}`);
      return JSON.parse(value) as Record<string, unknown>;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Tells it something that it answers with a line. */
  ask(question: string, timeoutMs?: number): Promise<Record<string, unknown>> {
    this.#child.stdin?.write(`${question}\n`);
    return this.answer(timeoutMs);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }
}
