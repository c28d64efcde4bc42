/** The systems that workloads compare: how each is started, spoken to and published into. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { nodeAt, type Place } from './harness/cores.js';
import { HOST } from './harness/host.js';
import { natsServerMissing, startNatsServer } from './harness/nats-server.js';
import { findProgram } from './harness/programs.js';
import { startRedisServer } from './harness/redis-server.js';
import { ServerProcess } from './harness/server-process.js';
import type { PublishTarget } from './publisher/publisher-command.js';

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
  /** The same of those that come back after their connection broke, where that is something else. */
  readonly returning?: string;
  /** Whether it has a priority lane. */
  readonly lanes: boolean;
  /** Messages a second to 2,000 viewers at which its cost is taken: 100, or 20 for those that one core does not carry further. */
  readonly rate: number;
  /** Before that, until its code is compiled; default: the same. One that writes each message by itself runs as much code at 20. */
  readonly settleRate?: number;
  /** Rates at which its limit is looked for, rising. */
  readonly ladder: readonly number[];
  /** Why it cannot be run here. */
  missing(): string | undefined;
  /** @param nodeFlags of its process, where that is Node's */
  start(nodeFlags?: readonly string[]): Promise<RunningSystem>;
}

/** What packs messages into frames, and what writes each by itself. */
const FRAMES = { rate: 100, settleRate: 500, ladder: [500, 1_000, 2_000, 4_000] } as const;
const SINGLE = { rate: 20, settleRate: 20, ladder: [40, 60, 100] } as const;

type Start = Pick<System, 'missing' | 'start'>;

const imStart: Start = { missing: () => undefined, start: (nodeFlags) => startIm(nodeFlags) };

export const systems: readonly System[] = [
  { name: 'im', dialect: 'im', returning: 'im-returning', lanes: true, ...FRAMES, ...imStart },
  { name: 'ws', dialect: 'plain', lanes: false, ...SINGLE, ...nodePeer('peers/ws.js') },
  { name: 'socket.io', dialect: 'socket.io', lanes: false, ...SINGLE, ...nodePeer('peers/socket.io.js') },
  { name: 'ws-frame', dialect: 'plain', lanes: false, ...FRAMES, ...nodePeer('peers/ws-frame.js') },
  { name: 'nats', dialect: 'nats', lanes: false, rate: 100, ladder: [150, 200, 400], ...natsPeer() },
  { name: 'bun', dialect: 'plain', lanes: false, rate: 100, ladder: [200, 400, 800], ...bunPeer() },
];

/** `im` with other numbers of frames a second than its own 12; with none every message is written at once. */
export const frameSystems: readonly System[] = [imAt(12), imAt(30), imAt(60), { ...imAt(0), ...SINGLE }];

function imAt(framesPerSecond: number): System {
  return {
    ...{ name: `im@${framesPerSecond}`, dialect: 'im', lanes: true, missing: () => undefined, ...FRAMES },
    start: (nodeFlags) => startIm(nodeFlags, { framesPerSecond }),
  };
}

/** The `im` of {@link systems}. @param nodeFlags of its process @param options of its gateway */
export function startIm(nodeFlags: readonly string[] = [], options: object = {}): Promise<RunningSystem> {
  return startAnnounced([process.execPath, ...nodeFlags, program('systems/im.js'), JSON.stringify(options)], imTarget);
}

/** Gateways, each a process, whose logs and bus are in Redis; sessions go on at any of them. */
export async function startImOnRedis(count: number): Promise<{ gateways: RunningSystem[]; stop(): Promise<void> }> {
  const redis = await startRedisServer({ place: 'anywhere' });
  const ticketSecret = randomBytes(32).toString('base64');
  const gateways: RunningSystem[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all([redis, ...gateways].map((each) => each.stop()));
  };
  try {
    for (let i = 1; i <= count; i += 1) {
      const settings = JSON.stringify({ node: `gateway-${i}`, redis: redis.port, ticketSecret });
      const command = [...nodeAt('anywhere'), program('systems/im-redis.js'), settings];
      gateways.push(await startAnnounced(command, imTarget, 'anywhere'));
    }
    return { gateways, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function linesTarget(port: number): PublishTarget {
  return { kind: 'lines', url: `http://${HOST}:${port}/publish` };
}

function imTarget(port: number, { token }: Record<string, unknown>): PublishTarget {
  return { kind: 'im', url: `http://${HOST}:${port}/v1/push`, token: String(token), room: ROOM };
}

function nodePeer(file: string): Start {
  const start = (nodeFlags: readonly string[] = []) =>
    startAnnounced([process.execPath, ...nodeFlags, program(file)], linesTarget);
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
  place?: Place,
): Promise<RunningSystem> {
  const server = new ServerProcess(command, place);
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
    missing: natsServerMissing,
    async start() {
      const { process, port, webSocketPort, stop } = await startNatsServer();
      return { process, port: webSocketPort, target: { kind: 'nats', host: HOST, port, subject: ROOM }, stop };
    },
  };
}
