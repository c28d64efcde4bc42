/**
 * W2: a room that gets three times what its gateway can carry, gifts among it. What every viewer got and was told must add up to
 * what was published, to the message.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lane } from '@im/protocol';
import { ControlledProcess } from '../harness/control.js';
import { HOST } from '../harness/host.js';
import { residentBytes } from '../harness/process-memory.js';
import type { Figures } from '../harness/result.js';
import { percentile } from '../harness/statistics.js';
import { Audience } from '../load/audience.js';
import type { LoadSnapshot } from '../load/ledger.js';
import type { LoadReply } from '../load/load-command.js';
import type { Scale } from '../scale.js';
import { ROOM, type RunningSystem, startIm } from '../systems.js';
import type { Publisher } from './fan-out.js';

const VIEWERS = 2_000;
const BODY_BYTES = 150;
const GIFTS_PER_SECOND = 10;
const TIMES_CAPACITY = 3;
/** Messages a second at which it is looked for, rising. */
const LADDER = [1_000, 2_000, 4_000, 8_000, 16_000];
/** How long what is on its way may take to arrive when nothing more is published. */
const REST_MS = 20_000;

interface OverloadScale {
  readonly stepMs: number;
  readonly overloadMs: number;
}

export const OVERLOAD_SCALES: Readonly<Record<Scale, OverloadScale>> = {
  full: { stepMs: 4_000, overloadMs: 60_000 },
  quick: { stepMs: 1_500, overloadMs: 10_000 },
  smoke: { stepMs: 400, overloadMs: 1_000 },
};

type Lag = { readonly lagP99Ms: number; readonly lagMaxMs: number };

export async function runOverload(scale: OverloadScale): Promise<Figures> {
  const audience = new Audience();
  const publisher: Publisher = new ControlledProcess('publisher.js', { yields: true });
  const running = await startIm();
  try {
    await audience.open({ dialect: 'im', host: HOST, port: running.port, count: VIEWERS, rooms: [ROOM] });
    return await new Overload(running, audience, publisher).run(scale);
  } finally {
    await Promise.all([audience.stop(), publisher.stop(), running.stop()]);
  }
}

class Overload {
  readonly #system: RunningSystem;
  readonly #audience: Audience;
  readonly #publisher: Publisher;
  /** Since the publisher began. */
  #published = 0;
  #latenciesMs: Record<Lane, number[]> = { normal: [], priority: [] };

  constructor(system: RunningSystem, audience: Audience, publisher: Publisher) {
    this.#system = system;
    this.#audience = audience;
    this.#publisher = publisher;
  }

  async run({ stepMs, overloadMs }: OverloadScale): Promise<Figures> {
    const capacity = await this.#capacity(stepMs);
    await this.#rest();
    const before = await this.#snapshot();
    const residentBefore = residentBytes(this.#system.process.pid);
    await this.#lag();
    this.#latenciesMs = { normal: [], priority: [] };
    await this.#publish(capacity * TIMES_CAPACITY, GIFTS_PER_SECOND);
    const published = await this.#during(overloadMs);
    const lag = await this.#lag();
    const resident = residentBytes(this.#system.process.pid);
    await this.#rest();
    const { snapshot, unbalanced } = await this.#ask({ do: 'account', published: this.#published });
    const { normal, priority: gifts } = this.#latenciesMs;
    return {
      capacityPerSecond: capacity,
      publishedPerSecond: (published * 1000) / overloadMs,
      deliveriesPerSecond: ((snapshot.messages - before.messages) * 1000) / overloadMs,
      giftP50Ms: percentile(gifts, 50),
      giftP99Ms: percentile(gifts, 99),
      giftsLost: snapshot.missing.priority - before.missing.priority,
      giftsDisordered: snapshot.disordered.priority - before.disordered.priority,
      normalP99Ms: percentile(normal, 99),
      shedTold: snapshot.shed - before.shed,
      viewersUnbalanced: unbalanced?.viewers ?? Number.NaN,
      mostMissing: unbalanced?.most ?? Number.NaN,
      mostTooMany: -(unbalanced?.least ?? Number.NaN),
      ...lag,
      residentMb: resident / 2 ** 20,
      residentBeforeMb: residentBefore / 2 ** 20,
      connectionsLost: snapshot.lostConnections,
    };
  }

  /** The most messages a second that every viewer gets, whatever is published: what is shed is not carried. */
  async #capacity(stepMs: number): Promise<number> {
    let capacity = 0;
    for (const rate of LADDER) {
      await this.#rest();
      const before = await this.#snapshot();
      await this.#publish(rate, 0);
      await this.#during(stepMs);
      const after = await this.#snapshot();
      const carried = Math.round(((after.messages - before.messages) * 1000) / (VIEWERS * stepMs));
      if (carried <= capacity) break;
      capacity = carried;
    }
    return capacity;
  }

  /** Until nothing arrives any more. */
  async #rest(): Promise<void> {
    const until = performance.now() + REST_MS;
    let quiet = 0;
    let last = await this.#snapshot();
    while (quiet < 5 && performance.now() < until) {
      await sleep(100);
      const next = await this.#snapshot();
      quiet = next.bytes === last.bytes ? quiet + 1 : 0;
      last = next;
    }
  }

  async #publish(normal: number, priority: number): Promise<void> {
    await this.#publisher.ask({
      ...{ do: 'start', target: this.#system.target, rates: { normal, priority }, bodyBytes: BODY_BYTES },
    });
  }

  /** @returns how many were published */
  async #during(ms: number): Promise<number> {
    const before = this.#published;
    await sleep(ms);
    const { published } = await this.#publisher.ask({ do: 'stop' });
    this.#published = published.normal + published.priority;
    return this.#published - before;
  }

  /** Notes the latencies, which each snapshot brings once. */
  async #ask(command: Parameters<Audience['ask']>[0]): Promise<LoadReply> {
    const reply = await this.#audience.ask(command);
    const { normal, priority } = reply.snapshot.latenciesMs;
    for (const ms of normal) this.#latenciesMs.normal.push(ms);
    for (const ms of priority) this.#latenciesMs.priority.push(ms);
    return reply;
  }

  async #snapshot(): Promise<LoadSnapshot> {
    return (await this.#ask({ do: 'snapshot' })).snapshot;
  }

  async #lag(): Promise<Lag> {
    return (await this.#system.process.ask('lag')) as unknown as Lag;
  }
}
