/**
 * 2,000 viewers of one room, of whom one in a hundred reads at 1 KB/s: what the others notice, how soon the slow ones are shed
 * and closed, and whether they are told what they missed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ControlledProcess } from '../harness/control.js';
import { HOST } from '../harness/host.js';
import type { Figures } from '../harness/result.js';
import { percentile } from '../harness/statistics.js';
import { Audience } from '../load/audience.js';
import type { LoadCommand, LoadReply } from '../load/load-command.js';
import type { PublisherCommand, PublisherReply } from '../publisher/publisher-command.js';
import type { Scale } from '../scale.js';
import { ROOM, type RunningSystem, startIm } from '../systems.js';

const BODY_BYTES = 150;
const MESSAGES_PER_SECOND = 100;
const SLOW_BYTES_PER_SECOND = 1_000;
const STALL_MS = 10_000;
/** The slow ones are closed long before. */
const CLOSED_WITHIN_MS = STALL_MS + 20_000;
const LOOK_EVERY_MS = 100;

interface Sizes {
  readonly viewers: number;
  readonly slow: number;
  readonly warmMs: number;
  readonly windowMs: number;
}

export const SLOW_READERS_SCALES: Readonly<Record<Scale, Sizes & { readonly runs: number }>> = {
  full: { runs: 3, viewers: 2_000, slow: 20, warmMs: 2_000, windowMs: 8_000 },
  quick: { runs: 1, viewers: 2_000, slow: 20, warmMs: 1_000, windowMs: 4_000 },
  smoke: { runs: 1, viewers: 200, slow: 2, warmMs: 500, windowMs: 1_000 },
};

type Load = ControlledProcess<LoadCommand, LoadReply>;
type Publisher = ControlledProcess<PublisherCommand, PublisherReply>;

/** What the server says of itself. */
interface Counted {
  readonly im_gateway_congested_connections: number;
  readonly 'im_groups_shed_total pressure': number;
  readonly 'im_gateway_closed_total SLOW_CONSUMER': number;
}

export async function runSlowReaders({ viewers, slow, warmMs, windowMs }: Sizes): Promise<Figures> {
  const others = new Audience();
  const slowOnes: Load = new ControlledProcess('load.js');
  const publisher: Publisher = new ControlledProcess('publisher.js', { yields: true });
  let running: RunningSystem | undefined;
  try {
    running = await startIm([], { stallMs: STALL_MS });
    const server = running;
    const common = { dialect: 'im', host: HOST, port: server.port, rooms: [ROOM] } as const;
    await others.open({ ...common, count: viewers - slow });
    const rates = { normal: MESSAGES_PER_SECOND, priority: 0 };
    await publisher.ask({ do: 'start', target: server.target, rates, bodyBytes: BODY_BYTES });
    const p99Ms = async (): Promise<number> => {
      await others.ask({ do: 'snapshot' });
      await sleep(windowMs);
      const { snapshot } = await others.ask({ do: 'snapshot' });
      return percentile(snapshot.latenciesMs.normal, 99);
    };
    await sleep(warmMs);
    const alone = await p99Ms();

    const slowly = { first: viewers - slow, count: slow, sampleEvery: 1, bytesPerSecond: SLOW_BYTES_PER_SECOND };
    await slowOnes.ask({ do: 'open', ...common, ...slowly });
    const began = performance.now();
    const seconds = (): number => (performance.now() - began) / 1000;
    const beside = p99Ms();
    await until(server, ({ im_gateway_congested_connections: congested }) => congested >= slow);
    const shedWithinS = seconds();
    await until(server, (counted) => counted['im_gateway_closed_total SLOW_CONSUMER'] >= slow);
    const closedWithinS = seconds();
    await publisher.ask({ do: 'stop' });
    const besideMs = await beside;
    const { snapshot: afterwards } = await others.ask({ do: 'snapshot' });

    await slowOnes.ask({ do: 'hasten' });
    const { snapshot: read } = await untilGone(slowOnes);
    const counted = (await server.process.ask('measure')) as unknown as Counted;
    return {
      viewers,
      slow,
      p99AloneMs: alone,
      p99BesideMs: besideMs,
      p99Ratio: besideMs / alone,
      shedWithinS,
      closedWithinS,
      closedWith4002: read.closedWith[4002] ?? 0,
      delivered: read.messages,
      told: read.shed,
      untold: counted['im_groups_shed_total pressure'] - read.shed - afterwards.shed,
      unaccounted: Math.max(0, read.missing.normal - read.shed),
      othersShed: afterwards.shed,
      othersLost: afterwards.lostConnections,
    };
  } finally {
    await Promise.all([others.stop(), slowOnes.stop(), publisher.stop(), running?.stop()]);
  }
}

async function until({ process }: RunningSystem, holds: (counted: Counted) => boolean): Promise<void> {
  const end = performance.now() + CLOSED_WITHIN_MS;
  while (!holds((await process.ask('measure')) as unknown as Counted)) {
    if (performance.now() > end) throw new Error('the slow viewers were not shed, or not closed');
    await sleep(LOOK_EVERY_MS);
  }
}

/** Waits until no connection is left. */
async function untilGone(load: Load): Promise<LoadReply> {
  const end = performance.now() + CLOSED_WITHIN_MS;
  for (;;) {
    const reply = await load.ask({ do: 'snapshot' });
    if (reply.snapshot.held === 0) return reply;
    if (performance.now() > end) throw new Error('the slow viewers do not go');
    await sleep(LOOK_EVERY_MS);
  }
}
