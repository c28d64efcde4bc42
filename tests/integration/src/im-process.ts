/** The built `im` command as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const main = path.resolve(import.meta.dirname, '../../../apps/im/dist/main.js');

/** A line of a machine-readable log. */
export interface LogLine {
  readonly process?: string;
  readonly message?: string;
  readonly [field: string]: unknown;
}

export interface Finished {
  readonly code: number | null;
  readonly output: string;
}

export class ImProcess {
  readonly child: ChildProcess;
  output = '';
  readonly #finished: Promise<Finished>;

  /** Runs in `cwd`, without the `IM_*` variables of whoever runs the tests. */
  constructor(args: readonly string[], cwd: string, variables: Record<string, string> = {}) {
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith('IM_'));
    this.child = spawn(process.execPath, [main, ...args], {
      cwd,
      env: { ...Object.fromEntries(own), NO_COLOR: '1', ...variables },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
    this.#finished = once(this.child, 'close').then(([code]) => ({ code, output: this.output }));
  }

  finished(): Promise<Finished> {
    return this.#finished;
  }

  /** Lines that are JSON; a `--json` log has no others. */
  get log(): readonly LogLine[] {
    return this.output
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as LogLine);
  }

  async signal(signal: NodeJS.Signals): Promise<Finished> {
    this.child.kill(signal);
    return this.#finished;
  }
}

/** What `im start --json --log-level debug` tells, in terms of its children. */
export class Supervised extends ImProcess {
  constructor(args: readonly string[], cwd: string) {
    super(['start', '--json', '--log-level', 'debug', '--port', '0', ...args], cwd);
  }

  get origin(): string | undefined {
    return this.log.find((line) => line.process === 'start' && line.message === 'ready')?.origin as string | undefined;
  }

  /** Process ids of every `serve` that became ready, oldest first. */
  get servers(): readonly number[] {
    return this.log.flatMap((line) =>
      line.message === 'a child: ready' && line.child === 'serve' ? [line.pid as number] : [],
    );
  }
}

/** What `im up --json --log-level debug` tells, in terms of its processes. */
export class Up extends ImProcess {
  readonly #folder: string;

  constructor(args: readonly string[], cwd: string, variables: Record<string, string> = {}) {
    super(['up', '--json', '--log-level', 'debug', '--port', '0', ...args], cwd, variables);
    this.#folder = cwd;
  }

  /** Where each gateway is. */
  get gateways(): readonly string[] {
    return (this.#ready?.gateways ?? []) as readonly string[];
  }

  get origin(): string | undefined {
    return this.#ready?.origin as string | undefined;
  }

  /** As `--broker` takes them. */
  get brokers(): readonly string[] {
    return (this.#ready?.brokers ?? []) as readonly string[];
  }

  get #ready(): LogLine | undefined {
    return this.log.find((line) => line.process === 'up' && line.message === 'ready');
  }

  /** Process ids of every child of this name that became ready, oldest first. */
  pids(child: string): readonly number[] {
    return this.log.flatMap((line) =>
      line.message === 'a child: ready' && line.child === child ? [line.pid as number] : [],
    );
  }

  /** Another `im` command beside it. */
  im(...args: readonly string[]): Promise<Finished> {
    return new ImProcess(args, this.#folder).finished();
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
