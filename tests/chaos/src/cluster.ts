/** A whole `im up` on a Redis of its own, and what may be done to its processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { type AppendFsync, type RedisServer, startRedisServer } from '@im/test-servers';

export interface ClusterOptions {
  /** People prove who they are with JWTs signed with it. */
  readonly jwtSecret: string;
  /** Of Redis. Default always. */
  readonly appendfsync?: AppendFsync;
}

interface LogLine {
  readonly process?: string;
  readonly message?: string;
  readonly child?: string;
  readonly pid?: number;
  readonly gateways?: readonly string[];
}

/** Until something that was begun must be there. */
const PATIENCE_MS = 60_000;
const POLL_MS = 20;
/** Lines of a process kept, for when it goes wrong. */
const KEPT_LINES = 200;
const PROGRAM = path.join(path.dirname(createRequire(import.meta.url).resolve('@im/im/package.json')), 'dist/main.js');

/** One of our own processes and what it said. */
class ImProcess {
  readonly child: ChildProcess;
  readonly lines: string[] = [];

  constructor(
    args: readonly string[],
    cwd: string,
    variables: Record<string, string>,
    onLine: (line: LogLine) => void,
  ) {
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith('IM_'));
    this.child = spawn(process.execPath, [PROGRAM, ...args], {
      cwd,
      env: { ...Object.fromEntries(own), NO_COLOR: '1', ...variables },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const output of [this.child.stdout, this.child.stderr]) {
      if (output === null) continue;
      createInterface({ input: output }).on('line', (line) => {
        this.lines.push(line);
        if (this.lines.length > KEPT_LINES) this.lines.shift();
        if (line.startsWith('{')) onLine(JSON.parse(line) as LogLine);
      });
    }
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill(signal);
    await exited;
  }
}

export class Cluster {
  readonly redis: RedisServer;
  /** Where node managers tell clients which gateway to take. */
  readonly balancers: readonly string[];
  readonly #folder: string;
  readonly #variables: Record<string, string>;
  readonly #up: ImProcess;
  /** Started beside `im up`. */
  readonly #more = new Map<string, ImProcess>();
  readonly #pids = new Map<string, number[]>();
  #gateways: readonly string[] = [];

  private constructor(redis: RedisServer, folder: string, managerPort: number, { jwtSecret }: ClusterOptions) {
    this.redis = redis;
    this.balancers = [managerPort, managerPort + 1].map((port) => `http://127.0.0.1:${port}`);
    this.#folder = folder;
    this.#variables = { IM_REDIS: redis.url, IM_JWT_SECRET: jwtSecret };
    const parts = ['--gateways', '2', '--broadcast-nodes', '2', '--workers', '2', '--managers', '2'];
    const ports = ['--port', '0', '--manager-port', `${managerPort}`];
    const args = ['up', '--json', '--log-level', 'debug', ...ports, ...parts];
    this.#up = new ImProcess(args, folder, this.#variables, (line) => this.#note(line));
  }

  /** Settles when all of it is ready. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const { appendfsync = 'always' } = options;
    const redis = await startRedisServer({ persistent: true, appendfsync });
    const folder = await mkdtemp(path.join(tmpdir(), 'im-chaos-'));
    const cluster = new Cluster(redis, folder, await freePair(), options);
    try {
      await cluster.until('ready', () => cluster.#gateways.length > 0);
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** Origins. */
  get gateways(): readonly string[] {
    return this.#gateways;
  }

  /** As `--manager` takes them. */
  get managers(): readonly string[] {
    return ['manager-1', 'manager-2'].map((name) => this.#socket(name));
  }

  async pushToken(): Promise<string> {
    return (await readFile(path.join(this.#folder, '.im/push-token'), 'utf8')).trim();
  }

  /** Kills a process as a crash would, and does not wait. @returns settles when another one has taken its place */
  kill(child: string): { readonly back: Promise<void> } {
    const pids = this.#pids.get(child) ?? [];
    const before = pids.length;
    process.kill(pids.at(-1) as number, 'SIGKILL');
    return { back: this.until(`${child} again`, () => (this.#pids.get(child)?.length ?? 0) > before) };
  }

  /** One more broadcast node beside those of `im up`. Settles when it is ready. */
  async addNode(name: string): Promise<void> {
    let isReady = false;
    const args = ['broadcast-node', '--json', '--listen', `${name}@${this.#socket(name)}`];
    const cluster = ['--manager', this.managers.join(','), '--broker', this.#socket('broker-1')];
    const node = new ImProcess([...args, ...cluster], this.#folder, this.#variables, ({ message }) => {
      isReady ||= message === 'ready';
    });
    this.#more.set(name, node);
    await this.until(`${name} ready`, () => isReady);
  }

  /** Ends a node of {@link addNode} in order. */
  async removeNode(name: string): Promise<void> {
    await this.#more.get(name)?.end('SIGTERM');
    this.#more.delete(name);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#more.values()].map((node) => node.end('SIGTERM')));
    await this.#up.end('SIGTERM');
    await this.redis.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** The last lines of all processes. */
  get log(): string {
    return [this.#up, ...this.#more.values()].flatMap(({ lines }) => lines).join('\n');
  }

  /** @throws Error when it does not come true */
  async until(what: string, isTrue: () => boolean): Promise<void> {
    for (const begin = performance.now(); !isTrue(); await pause(POLL_MS)) {
      if (this.#up.child.exitCode !== null) throw new Error(`im up ended\n${this.log}`);
      if (performance.now() - begin > PATIENCE_MS) throw new Error(`not ${what} after ${PATIENCE_MS} ms\n${this.log}`);
    }
  }

  #socket(name: string): string {
    return `ipc://${this.#folder}/.im/rpc/${name}`;
  }

  #note({ process: name, message, child, pid, gateways }: LogLine): void {
    if (message === 'ready' && name === 'up' && gateways !== undefined) this.#gateways = gateways;
    if (message !== 'a child: ready' || child === undefined || pid === undefined) return;
    this.#pids.set(child, [...(this.#pids.get(child) ?? []), pid]);
  }
}

/** The first of two ports next to each other that nobody listened on a moment ago. */
async function freePair(): Promise<number> {
  for (;;) {
    const servers = [createServer(), createServer()] as const;
    try {
      await once(servers[0].listen(0, '127.0.0.1'), 'listening');
      const { port } = servers[0].address() as AddressInfo;
      await once(servers[1].listen(port + 1, '127.0.0.1'), 'listening');
      return port;
    } catch {
      // The port above is taken: another pair.
    } finally {
      for (const server of servers) server.close();
    }
  }
}
