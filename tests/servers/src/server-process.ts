/**
 * A server program of the system, run as a process of its own. Owns its life: start, end, violent end, pause. Must not
 * know which server it is.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';

/** What a test can do to a server; its address and its folder stay the same until `stop`. */
export interface TestServer {
  readonly port: number;
  /** To connect with, password included. */
  readonly url: string;
  /** Ends it in order and removes its folder; also when it is not running. */
  stop(): Promise<void>;
  /** SIGKILL: what it had not written to its disk is lost. */
  kill(): Promise<void>;
  /** Ends it in order, if it runs, and starts it anew at the same port and folder. Resolves when it takes connections. */
  restart(): Promise<void>;
  /** SIGSTOP: connections stay, nothing answers. */
  pause(): void;
  resume(): void;
}

type ServerControls = Omit<TestServer, 'port' | 'url'>;

export interface ServerProgram {
  readonly file: string;
  readonly args: readonly string[];
  /** Its own: removed when it is stopped. */
  readonly folder: string;
  /** The line, of either output, that says that it takes connections. */
  readonly ready: RegExp;
}

/** Lines of its output kept, for the error when it does not start. */
const KEPT_LINES = 20;

export class ServerProcess {
  readonly #program: ServerProgram;
  #child: ChildProcess | undefined;
  readonly #output = new EventEmitter<{ line: [line: string] }>();
  /** The last ones of its output. */
  readonly #lines: string[] = [];

  constructor(program: ServerProgram) {
    this.#program = program;
  }

  /** @throws Error with the last lines of its output when it ends before it is ready */
  async start(): Promise<void> {
    const { file, args, folder, ready } = this.#program;
    const child = spawn(file, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    // Whatever ends the tests' process ends what it started.
    const orphaned = () => child.kill('SIGKILL');
    process.once('exit', orphaned);
    child.once('exit', () => process.off('exit', orphaned));
    this.#lines.length = 0;
    for (const output of [child.stdout, child.stderr]) {
      createInterface({ input: output }).on('line', (line) => {
        this.#lines.push(line);
        if (this.#lines.length > KEPT_LINES) this.#lines.shift();
        this.#output.emit('line', line);
      });
    }
    await this.says(ready);
  }

  /** Resolves with the next such line of its output. @throws Error with the last lines when it ends without it */
  async says(pattern: RegExp): Promise<void> {
    const child = this.#child as ChildProcess;
    await new Promise<void>((resolve, reject) => {
      const ended = () => reject(new Error(`${this.#program.file} ended:\n${this.#lines.join('\n')}`));
      child.once('error', reject).once('close', ended);
      const look = (line: string): void => {
        if (!pattern.test(line)) return;
        this.#output.off('line', look);
        resolve();
      };
      this.#output.on('line', look);
    });
  }

  get controls(): ServerControls {
    return {
      stop: async () => {
        await this.#end('SIGKILL');
        await rm(this.#program.folder, { recursive: true, force: true });
      },
      kill: () => this.#end('SIGKILL'),
      restart: async () => {
        await this.#end('SIGTERM');
        await this.start();
      },
      pause: () => void this.#child?.kill('SIGSTOP'),
      resume: () => void this.#child?.kill('SIGCONT'),
    };
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    // One that is paused takes no SIGTERM.
    child.kill('SIGCONT');
    await exited;
  }
}
