/**
 * Tells one sink of events: those of one user in their order, the next when the one before is told or given up; failures are
 * repeated with growing delays. In memory, and as many as whoever adds them wants: what is refused and what gets too old is counted and told the
 * log. Must not know what is told, nor how.
 */
import { setMaxListeners } from 'node:events';
import { ImError } from '@im/protocol';
import type { Clock, Counter, Logger, Metrics, Random, Timer } from '@im/protocol/ports';

export interface OfflineQueueOptions<Event> {
  /** For figures and the log. */
  readonly name: string;
  /** @throws ImError where `retryable`, it is called again */
  readonly tell: (event: Event, signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface Queued<Event> {
  readonly event: Event;
  /** When what it tells of happened, in milliseconds since 1970. */
  readonly at: number;
  /** It was told or given up. */
  readonly done: () => void;
}

/** After so long an event is worth nothing. */
export const MAX_AGE_MS = 3_600_000;
const AT_ONCE = 64;
const MIN_DELAY_MS = 1_000;
const MAX_DELAY_MS = 60_000;

type Loss = 'refused' | 'expired';

interface Lane<Event> {
  readonly queued: Queued<Event>[];
  failures: number;
  timer: Timer | undefined;
}

export class OfflineQueue<Event> {
  readonly #options: OfflineQueueOptions<Event>;
  readonly #lanes = new Map<string, Lane<Event>>();
  /** Users whose first event can be told now, in order. */
  readonly #ready: string[] = [];
  readonly #told: Counter;
  readonly #lost: Readonly<Record<Loss, Counter>>;
  #ending = heardByAll();
  #size = 0;
  #running = 0;
  #onIdle: (() => void) | undefined;

  constructor(options: OfflineQueueOptions<Event>) {
    const { metrics, name: sink } = options;
    this.#options = options;
    const help = 'Events of who was not connected that were not told, by reason.';
    const lost = (reason: Loss) => metrics.counter('im_workers_offline_lost_total', { help, labels: { sink, reason } });
    this.#lost = { refused: lost('refused'), expired: lost('expired') };
    this.#told = metrics.counter('im_workers_offline_told_total', {
      help: 'Events of who was not connected that were told, or were not needed any more.',
      labels: { sink },
    });
    metrics.observe(
      'im_workers_offline_waiting',
      { help: 'Events of who was not connected that are to be told.', labels: { sink } },
      () => this.#size,
    );
  }

  get size(): number {
    return this.#size;
  }

  /** @param user whose events keep their order */
  add(user: string, queued: Queued<Event>): void {
    this.#size += 1;
    const lane = this.#lanes.get(user);
    if (lane) {
      lane.queued.push(queued);
      return;
    }
    this.#lanes.set(user, { queued: [queued], failures: 0, timer: undefined });
    this.#ready.push(user);
    this.#run();
  }

  /** Forgets all, also what is being told: nothing of it is done. */
  abandon(): void {
    this.#ending.abort();
    this.#ending = heardByAll();
    for (const { timer } of this.#lanes.values()) timer?.cancel();
    this.#lanes.clear();
    this.#ready.length = 0;
    this.#size = 0;
    this.#onIdle?.();
  }

  /** Gives what is being told so long to end, and forgets the rest. */
  async close(graceMs: number): Promise<void> {
    const timer = this.#options.clock.after(graceMs, () => this.abandon());
    if (this.#size > 0)
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
        // Whoever waits for another attempt has it now.
        for (const [user, lane] of this.#lanes) if (lane.timer) this.#wake(user, lane);
      });
    timer.cancel();
  }

  #run(): void {
    while (this.#running < AT_ONCE) {
      const user = this.#ready.shift();
      const lane = user === undefined ? undefined : this.#lanes.get(user);
      if (user === undefined || lane === undefined) return;
      this.#running += 1;
      void this.#tellFirst(user, lane).then(() => {
        this.#running -= 1;
        this.#run();
      });
    }
  }

  async #tellFirst(user: string, lane: Lane<Event>): Promise<void> {
    const { tell, clock, logger, name } = this.#options;
    const [first] = lane.queued;
    if (!first) return;
    try {
      if (clock.now() - first.at >= MAX_AGE_MS) throw new ImError('DEADLINE_EXCEEDED');
      await tell(first.event, this.#ending.signal);
      this.#told.add();
    } catch (thrown) {
      if (this.#lanes.get(user) !== lane) return;
      const error = ImError.wrap(thrown);
      const isOld = clock.now() - first.at >= MAX_AGE_MS;
      if (error.retryable && !isOld) {
        this.#tryLater(user, lane);
        return;
      }
      logger.warn('who is not connected is not told of', { sink: name, error });
      this.#lost[isOld ? 'expired' : 'refused'].add();
    }
    if (this.#lanes.get(user) === lane) this.#next(user, lane);
  }

  #next(user: string, lane: Lane<Event>): void {
    const first = lane.queued.shift();
    lane.failures = 0;
    this.#size -= 1;
    if (lane.queued.length > 0) this.#ready.push(user);
    else this.#lanes.delete(user);
    first?.done();
    if (this.#size === 0) this.#onIdle?.();
  }

  #tryLater(user: string, lane: Lane<Event>): void {
    const { clock, random } = this.#options;
    const ceiling = Math.min(MAX_DELAY_MS, MIN_DELAY_MS * 2 ** lane.failures);
    lane.failures += 1;
    lane.timer = clock.after(ceiling / 2 + (random() * ceiling) / 2, () => this.#wake(user, lane), {
      background: true,
    });
  }

  #wake(user: string, lane: Lane<Event>): void {
    lane.timer?.cancel();
    lane.timer = undefined;
    this.#ready.push(user);
    this.#run();
  }
}

/** Everything that is being told listens. */
function heardByAll(): AbortController {
  const controller = new AbortController();
  setMaxListeners(AT_ONCE, controller.signal);
  return controller;
}
