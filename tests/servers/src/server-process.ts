/**
 * A server program of the system, run as a process of its own. Owns its life: start, end, violent end, pause. Must not
 * know which server it is.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
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

export interface ServerProgram {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The line, of either output, that says that it takes connections. */
  readonly ready: RegExp;
}

/** Lines of its output kept, for the error when it does not start. */
const KEPT_LINES = 20;

export class ServerProcess {
  readonly #program: ServerProgram;
  #child: ChildProcess | undefined;

  constructor(program: ServerProgram) {
    this.#program = program;
  }

  /** @throws Error with the last lines of its output when it ends before it is ready */
  async start(): Promise<void> {
    const { file, args, cwd, ready } = this.#program;
    const child = spawn(file, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    // Whatever ends the tests' process ends what it started.
    const orphaned = () => child.kill('SIGKILL');
    process.once('exit', orphaned);
    child.once('exit', () => process.off('exit', orphaned));
    const lines: string[] = [];
    await new Promise<void>((resolve, reject) => {
      const ended = () => reject(new Error(`${file} did not start:\n${lines.join('\n')}`));
      child.once('error', reject).once('close', ended);
      for (const output of [child.stdout, child.stderr]) {
        createInterface({ input: output }).on('line', (line) => {
          lines.push(line);
          if (lines.length > KEPT_LINES) lines.shift();
          if (ready.test(line)) resolve();
        });
      }
    });
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    // One that is paused takes no SIGTERM.
    child.kill('SIGCONT');
    await exited;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal);
  }
}
