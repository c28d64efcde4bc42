/**
 * W1: one server on one core, 2,000 viewers in one room, messages of 150 bytes from an outside publisher. CPU is the
 * server's, of all its threads; what was delivered is what viewers read.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Corpus } from '../corpus.js';
import { ControlledProcess } from '../harness/control.js';
import { HOST } from '../harness/host.js';
import { cpuSeconds } from '../harness/process-cpu.js';
import type { Figures } from '../harness/result.js';
import { percentile } from '../harness/statistics.js';
import { Audience } from '../load/audience.js';
import type { LoadSnapshot } from '../load/ledger.js';
import type { PublisherCommand, PublisherReply, StartPublishing } from '../publisher/publisher-command.js';
import type { Scale } from '../scale.js';
import { ROOM, type RunningSystem, type System } from '../systems.js';

const BODY_BYTES = 150;
/** The rate at which every system can be compared. */
const COMMON_RATE = 20;
const GIFTS_PER_SECOND = 10;
/** A rate is carried when so much of it arrives. */
const CARRIED = 0.9;

export interface FanOutScale {
  readonly viewers: number;
  /** Before all windows, so that a server is measured that has been at work for a while: its code is compiled as it is needed. */
  readonly settleMs: number;
  readonly warmMs: number;
  readonly costMs: number;
  /** For the comparison at the common rate, and for the lanes. */
  readonly sideMs: number;
  readonly stepMs: number;
  /** How many steps of a system's ladder are tried, from its top. */
  readonly steps: number;
}

export const FAN_OUT_SCALES: Readonly<Record<Scale, FanOutScale>> = {
  full: { viewers: 2_000, settleMs: 12_000, warmMs: 2_000, costMs: 10_000, sideMs: 5_000, stepMs: 3_000, steps: 9 },
  quick: { viewers: 2_000, settleMs: 1_000, warmMs: 700, costMs: 2_500, sideMs: 1_500, stepMs: 1_200, steps: 2 },
  smoke: { viewers: 500, settleMs: 0, warmMs: 500, costMs: 1_500, sideMs: 300, stepMs: 300, steps: 1 },
};

export type Publisher = ControlledProcess<PublisherCommand, PublisherReply>;

/** What happened while messages were published at a steady rate. */
export interface Window {
  readonly seconds: number;
  readonly deliveries: number;
  readonly cpuSeconds: number;
  readonly before: LoadSnapshot;
  readonly after: LoadSnapshot;
}

export async function runFanOut(system: System, scale: FanOutScale): Promise<Figures> {
  const audience = new Audience();
  const publisher: Publisher = new ControlledProcess('publisher.js', { yields: true });
  let running: RunningSystem | undefined;
  try {
    running = await system.start();
    const { port } = running;
    await audience.open({ dialect: system.dialect, host: HOST, port, count: scale.viewers, rooms: [ROOM] });
    return await measure(system, scale, new Bench(running, audience, publisher));
  } finally {
    await Promise.all([audience.stop(), publisher.stop(), running?.stop()]);
  }
}

async function measure(system: System, scale: FanOutScale, bench: Bench): Promise<Figures> {
  await bench.window({ normal: system.settleRate ?? system.rate, priority: 0 }, 0, scale.settleMs);
  const cost = await bench.window({ normal: system.rate, priority: 0 }, scale.warmMs, scale.costMs);
  requireAllHeld(cost, scale.viewers);
  const common =
    system.rate === COMMON_RATE
      ? cost
      : await bench.window({ normal: COMMON_RATE, priority: 0 }, scale.warmMs, scale.sideMs);
  const lanes = system.lanes
    ? await bench.window({ normal: system.rate / 2, priority: GIFTS_PER_SECOND }, scale.warmMs, scale.sideMs)
    : undefined;
  let best = deliveriesPerSecond(cost);
  for (const rate of system.ladder.slice(-scale.steps)) {
    const step = await bench.window({ normal: rate, priority: 0 }, scale.warmMs / 2, scale.stepMs);
    best = Math.max(best, deliveriesPerSecond(step));
    if (deliveriesPerSecond(step) < rate * scale.viewers * CARRIED) break;
  }
  return {
    messagesPerSecond: system.rate,
    cpuUsPerDelivery: cpuUsPerDelivery(cost),
    cpuUsPerDeliveryAt20: cpuUsPerDelivery(common),
    deliveriesPerSecond: best,
    normalP50Ms: percentile(cost.after.latenciesMs.normal, 50),
    normalP99Ms: percentile(cost.after.latenciesMs.normal, 99),
    ...(lanes && { priorityP99Ms: percentile(lanes.after.latenciesMs.priority, 99) }),
    shed: cost.after.shed - cost.before.shed,
    missing: cost.after.missing.normal - cost.before.missing.normal,
    disordered: cost.after.disordered.normal - cost.before.disordered.normal,
  };
}

/** A server with its viewers, and who publishes into it. */
export class Bench {
  readonly #system: RunningSystem;
  readonly #audience: Audience;
  readonly #publisher: Publisher;
  readonly #bodies: Pick<StartPublishing, 'bodyBytes' | 'corpus'>;

  constructor(system: RunningSystem, audience: Audience, publisher: Publisher, corpus?: Corpus) {
    this.#system = system;
    this.#audience = audience;
    this.#publisher = publisher;
    this.#bodies = { bodyBytes: BODY_BYTES, ...(corpus !== undefined && { corpus }) };
  }

  async window(rates: { normal: number; priority: number }, warmMs: number, measureMs: number): Promise<Window> {
    await this.#publisher.ask({ do: 'start', target: this.#system.target, rates, ...this.#bodies });
    await sleep(warmMs);
    const { snapshot: before } = await this.#audience.ask({ do: 'snapshot' });
    const cpuBefore = cpuSeconds(this.#system.process.pid);
    const startedAt = performance.now();
    await sleep(measureMs);
    const { snapshot: after } = await this.#audience.ask({ do: 'snapshot' });
    const cpu = cpuSeconds(this.#system.process.pid) - cpuBefore;
    const seconds = (performance.now() - startedAt) / 1000;
    await this.#publisher.ask({ do: 'stop' });
    return { seconds, deliveries: after.messages - before.messages, cpuSeconds: cpu, before, after };
  }
}

function deliveriesPerSecond({ deliveries, seconds }: Window): number {
  return deliveries / seconds;
}

export function cpuUsPerDelivery({ cpuSeconds: cpu, deliveries }: Window): number {
  return (cpu * 1e6) / deliveries;
}

export function requireAllHeld({ after }: Window, viewers: number): void {
  if (after.held !== viewers || after.lostConnections > 0) {
    throw new Error(`only ${after.held} of ${viewers} connections are held, ${after.lostConnections} were lost`);
  }
}
