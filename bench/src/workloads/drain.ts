/**
 * W6-drain: a gateway is emptied over ten seconds while messages are published: how evenly the viewers leave, how soon each is in its rooms
 * at another, what the priority lane lost, how late the event loops were. The gateways, processes of their own, have logs and bus in Redis.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ControlledProcess } from '../harness/control.js';
import { HOST } from '../harness/host.js';
import { cpuSeconds } from '../harness/process-cpu.js';
import type { Figures } from '../harness/result.js';
import { percentile, sum } from '../harness/statistics.js';
import type { LoadCommand, LoadReply } from '../load/load-command.js';
import type { PublisherCommand, PublisherReply } from '../publisher/publisher-command.js';
import type { Scale } from '../scale.js';
import { ROOM, type RunningSystem, startImOnRedis } from '../systems.js';

export interface DrainScale {
  readonly viewers: number;
  readonly windowMs: number;
  readonly warmMs: number;
}

export const DRAIN_SCALES: Readonly<Record<Scale, DrainScale>> = {
  full: { viewers: 10_000, windowMs: 10_000, warmMs: 3_000 },
  quick: { viewers: 2_000, windowMs: 10_000, warmMs: 1_000 },
  smoke: { viewers: 200, windowMs: 2_000, warmMs: 300 },
};

/** The first is the one that is spoken in. */
const ROOMS = [ROOM, 'two', 'three'];
/** More, and viewers are late for what they are told. */
const RATES = { normal: 1, priority: 1 };
const BODY_BYTES = 150;
/** Load processes. */
const PROCESSES = 2;
/** Messages that were on their way when the publisher stopped have come by then. */
const LAST_MS = 1_000;
/** Of the drain itself, beside its window. */
const SLACK_MS = 30_000;

type Load = ControlledProcess<LoadCommand, LoadReply>;
type Lag = Record<'lagP99Ms' | 'lagMaxMs', number>;
type Publisher = ControlledProcess<PublisherCommand, PublisherReply>;

export async function runDrain({ viewers, windowMs, warmMs }: DrainScale): Promise<Figures> {
  const loads = Array.from({ length: PROCESSES }, (): Load => new ControlledProcess('load.js', { place: 'anywhere' }));
  const publisher: Publisher = new ControlledProcess('publisher.js', { place: 'anywhere' });
  let running: Awaited<ReturnType<typeof startImOnRedis>> | undefined;
  try {
    running = await startImOnRedis(2);
    const [emptied, next] = running.gateways as [RunningSystem, RunningSystem];
    const share = viewers / PROCESSES;
    const opening = { do: 'open', dialect: 'im-returning', host: HOST, port: emptied.port } as const;
    const each = { rooms: ROOMS, sampleEvery: 1, count: share };
    await Promise.all(loads.map((load, i) => load.ask({ ...opening, ...each, first: i * share })));
    // The one that goes on.
    await publisher.ask({ do: 'start', target: next.target, rates: RATES, bodyBytes: BODY_BYTES });
    await sleep(warmMs);
    await Promise.all(loads.map((load) => load.ask({ do: 'snapshot' })));
    await Promise.all([emptied, next].map(({ process }) => process.ask('lag')));
    const cpuOf = (): number => cpuSeconds(emptied.process.pid) + cpuSeconds(next.process.pid);
    const [cpu, began] = [cpuOf(), Date.now()];
    const order = `drain ${windowMs} ws://${HOST}:${next.port}/`;
    const { left } = await emptied.process.ask(order, windowMs + SLACK_MS);
    const moves = (await Promise.all(loads.map((load) => load.ask({ do: 'moved' })))).flatMap((reply) => reply.moves);
    const cpuUs = ((cpuOf() - cpu) * 1e6) / viewers;
    const lags = (await Promise.all([emptied, next].map(({ process }) => process.ask('lag')))) as Lag[];
    await sleep(warmMs);
    const { published } = await publisher.ask({ do: 'stop' });
    await sleep(LAST_MS);
    const seen = await Promise.all(loads.map(async (load) => (await load.ask({ do: 'snapshot' })).snapshot));
    const awayMs = moves.map(({ leftAtMs, backAtMs }) => backAtMs - leftAtMs);
    const held = sum(seen, (each) => each.held);
    if (held !== viewers) throw new Error(`only ${held} of ${viewers} are held`);
    return {
      viewers,
      secondsUntilAllBack: (Math.max(...moves.map(({ backAtMs }) => backAtMs)) - began) / 1_000,
      mostDueInASecondPercent: (mostInASecond(moves.map(({ dueAtMs }) => dueAtMs)) / viewers) * 100,
      mostLeavingInASecondPercent: (mostInASecond(moves.map(({ leftAtMs }) => leftAtMs)) / viewers) * 100,
      awayP50Ms: percentile(awayMs, 50),
      awayP99Ms: percentile(awayMs, 99),
      closedByGateway: sum(seen, (each) => each.lostConnections),
      leftBehind: Number(left),
      priorityLost: sum(seen, (each) => each.missing.priority),
      priorityTwice: sum(seen, (each) => each.disordered.priority),
      priorityBehind: published.priority - Math.min(...seen.map(({ lastRead }) => lastRead.priority.lowest)),
      lagP99Ms: Math.max(...lags.map(({ lagP99Ms }) => lagP99Ms)),
      lagMaxMs: Math.max(...lags.map(({ lagMaxMs }) => lagMaxMs)),
      cpuUsPerMove: cpuUs,
    };
  } finally {
    await Promise.all([running?.stop(), publisher.stop(), ...loads.map((load) => load.stop())]);
  }
}

/** Of the moments, those within any one second. */
export function mostInASecond(moments: readonly number[]): number {
  const sorted = [...moments].sort((one, other) => one - other);
  let from = 0;
  let most = 0;
  for (const [index, moment] of sorted.entries()) {
    while (moment - (sorted[from] as number) >= 1_000) from += 1;
    most = Math.max(most, index - from + 1);
  }
  return most;
}
