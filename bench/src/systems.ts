/** The systems that workloads compare: how each is started, spoken to and published into. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from './harness/programs.js';
import { ServerProcess } from './harness/server-process.js';
import type { PublishTarget } from './publisher/publisher-command.js';

export const HOST = '127.0.0.1';
export const ROOM = 'bench';

export interface RunningSystem {
  readonly process: ServerProcess;
  /** Where viewers connect. */
  readonly port: number;
  readonly target: PublishTarget;
  stop(): Promise<void>;
}

export interface System {
  readonly name: string;
  /** How its viewers speak: a file of load/dialects. */
  readonly dialect: string;
  /** Whether it has a priority lane. */
  readonly lanes: boolean;
  /** Messages a second to 2,000 viewers at which its cost is taken: 100, or 20 for those that one core does not carry further. */
  readonly rate: number;
  /** Rates at which its limit is looked for, rising. */
  readonly ladder: readonly number[];
  /** Why it cannot be run here. */
  missing(): string | undefined;
  start(): Promise<RunningSystem>;
}

/** What packs messages into frames, and what writes each by itself. */
const FRAMES = { rate: 100, ladder: [500, 1_000, 2_000, 4_000] } as const;
const SINGLE = { rate: 20, ladder: [40, 60, 100] } as const;

export const systems: readonly System[] = [
  { name: 'im', dialect: 'im', lanes: true, ...FRAMES, missing: () => undefined, start: startIm },
  { name: 'ws', dialect: 'plain', lanes: false, ...SINGLE, ...nodePeer('peers/ws.js') },
  { name: 'socket.io', dialect: 'socket.io', lanes: false, ...SINGLE, ...nodePeer('peers/socket.io.js') },
  { name: 'ws-frame', dialect: 'plain', lanes: false, ...FRAMES, ...nodePeer('peers/ws-frame.js') },
  { name: 'nats', dialect: 'nats', lanes: false, rate: 100, ladder: [150, 200, 400], ...natsPeer() },
  { name: 'bun', dialect: 'plain', lanes: false, rate: 100, ladder: [200, 400, 800], ...bunPeer() },
];

/** The `im` of {@link systems}. @param nodeFlags of its process */
export function startIm(nodeFlags: readonly string[] = []): Promise<RunningSystem> {
  return startAnnounced([process.execPath, ...nodeFlags, program('systems/im.js')], imTarget);
}

type Start = Pick<System, 'missing' | 'start'>;

function linesTarget(port: number): PublishTarget {
  return { kind: 'lines', url: `http://${HOST}:${port}/publish` };
}

function imTarget(port: number, { token }: Record<string, unknown>): PublishTarget {
  return { kind: 'im', url: `http://${HOST}:${port}/v1/push`, token: String(token), room: ROOM };
}

function nodePeer(file: string): Start {
  const start = () => startAnnounced([process.execPath, program(file)], linesTarget);
  return { missing: () => undefined, start };
}

/** @param file built program, relative to dist */
function program(file: string): string {
  return path.join(import.meta.dirname, file);
}

function bunPeer(): Start {
  return {
    missing: () => (findProgram('bun') === undefined ? 'no program `bun` on PATH' : undefined),
    start: () => startAnnounced([findProgram('bun') ?? 'bun', program('../peers/bun/server.js')], linesTarget),
  };
}

async function startAnnounced(
  command: readonly string[],
  target: (port: number, ready: Record<string, unknown>) => PublishTarget,
): Promise<RunningSystem> {
  const server = new ServerProcess(command);
  try {
    const ready = await server.answer();
    const port = Number(ready.port);
    return { process: server, port, target: target(port, ready), stop: () => server.stop() };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

function natsPeer(): Start {
  return {
    missing: () => (findProgram('nats-server') === undefined ? 'no program `nats-server` on PATH' : undefined),
    async start() {
      const [port, webSocketPort] = [await freePort(), await freePort()];
      const folder = mkdtempSync(path.join(tmpdir(), 'im-bench-nats-'));
      const config = path.join(folder, 'nats.conf');
      // One core, as every other server has.
      const webSocket = `websocket { host: "${HOST}", port: ${webSocketPort}, no_tls: true, compression: false }`;
      writeFileSync(config, `host: "${HOST}"\nport: ${port}\n${webSocket}\nmax_connections: 100000\n`);
      const server = new ServerProcess([findProgram('nats-server') ?? 'nats-server', '-c', config]);
      const stop = async (): Promise<void> => {
        await server.stop();
        rmSync(folder, { recursive: true, force: true });
      };
      try {
        await listening(webSocketPort);
        return {
          process: server,
          port: webSocketPort,
          target: { kind: 'nats', host: HOST, port, subject: ROOM },
          stop,
        };
      } catch (error) {
        await stop();
        throw error;
      }
    },
  };
}

/** A port that nobody listens on now. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, HOST, () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

async function listening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, HOST);
      socket.on('connect', () => resolve(true));
      socket.on('error', () => resolve(false));
      socket.on('close', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (open) return;
    await sleep(50);
  }
  throw new Error(`nobody listens on ${port}`);
}
