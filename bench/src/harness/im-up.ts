/** A whole `im up` in a folder of its own: its processes, and what may be done to them. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

interface LogLine {
  readonly process?: string;
  readonly message?: string;
  readonly child?: string;
  readonly pid?: number;
  readonly brokers?: readonly string[];
}

const START_MS = 30_000;
const POLL_MS = 20;

export class ImUp {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'im-bench-up-'));
  readonly #program = path.join(
    path.dirname(createRequire(import.meta.url).resolve('@im/im/package.json')),
    'dist/main.js',
  );
  readonly #child: ChildProcess;
  readonly #pids = new Map<string, number[]>();
  #brokers: readonly string[] = [];

  private constructor(args: readonly string[]) {
    const own = ['up', '--json', '--log-level', 'debug', '--port', '0', ...args];
    this.#child = spawn(process.execPath, [this.#program, ...own], {
      cwd: this.#folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (this.#child.stdout === null) throw new Error('im up has no output');
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#note(JSON.parse(line) as LogLine));
  }

  /** Settles when all of it is ready. */
  static async start(...args: readonly string[]): Promise<ImUp> {
    const up = new ImUp(args);
    await up.#until(() => up.#brokers.length > 0, 'ready');
    return up;
  }

  /** As `--broker` takes them. */
  get brokers(): readonly string[] {
    return this.#brokers;
  }

  async update(): Promise<void> {
    await promisify(execFile)(process.execPath, [this.#program, 'update'], { cwd: this.#folder });
  }

  /** Kills a process as a crash would; settles when another one does its work. */
  async kill(child: string): Promise<void> {
    const pids = this.#pids.get(child) ?? [];
    const before = pids.length;
    process.kill(pids.at(-1) as number, 'SIGKILL');
    await this.#until(() => (this.#pids.get(child)?.length ?? 0) > before, `${child} again`);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.kill('SIGTERM')) await once(this.#child, 'exit');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #note({ process: name, message, child, pid, brokers }: LogLine): void {
    if (name === 'up' && message === 'ready' && brokers !== undefined) this.#brokers = brokers;
    if (message !== 'a child: ready' || child === undefined || pid === undefined) return;
    this.#pids.set(child, [...(this.#pids.get(child) ?? []), pid]);
  }

  async #until(isTrue: () => boolean, what: string): Promise<void> {
    for (const begin = performance.now(); !isTrue(); ) {
      if (this.#child.exitCode !== null) throw new Error(`im up ended with exit code ${this.#child.exitCode}`);
      if (performance.now() - begin > START_MS) throw new Error(`im up is not ${what} after ${START_MS} ms`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}
