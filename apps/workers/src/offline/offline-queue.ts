/**
 * Tells one sink of events: those of one user in their order, the next when the one before is told or given up; failures are
 * repeated with growing delays. In memory and bounded: what there is no room for, what is refused and what gets too old is counted and
 * told the log. Must not know what is told, nor how.
 */
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
  /** Events that wait or are being told. Default 10,000. */
  readonly maxWaiting?: number;
  /** After so long an event is worth nothing. Default 3,600,000. */
  readonly maxAgeMs?: number;
}

const AT_ONCE = 32;
const MIN_DELAY_MS = 1_000;
const MAX_DELAY_MS = 60_000;

type Loss = 'full' | 'refused' | 'expired' | 'closed';
const LOSSES: readonly Loss[] = ['full', 'refused', 'expired', 'closed'];

interface Lane<Event> {
  readonly events: { readonly event: Event; readonly since: number }[];
  failures: number;
  timer: Timer | undefined;
}

export class OfflineQueue<Event> {
  readonly #options: OfflineQueueOptions<Event>;
  readonly #maxWaiting: number;
  readonly #maxAgeMs: number;
  readonly #lanes = new Map<string, Lane<Event>>();
  /** Users whose first event can be told now, in order. */
  readonly #ready: string[] = [];
  readonly #closing = new AbortController();
  readonly #told: Counter;
  readonly #lost: Readonly<Record<Loss, Counter>>;
  #size = 0;
  #running = 0;
  #onIdle: (() => void) | undefined;

  constructor(options: OfflineQueueOptions<Event>) {
    const { metrics, name: sink, maxWaiting = 10_000, maxAgeMs = 3_600_000 } = options;
    this.#options = options;
    this.#maxWaiting = maxWaiting;
    this.#maxAgeMs = maxAgeMs;
    const help = 'Events of who was not connected that were not told, by reason.';
    const lost = (reason: Loss) => metrics.counter('im_workers_offline_lost_total', { help, labels: { sink, reason } });
    this.#lost = Object.fromEntries(LOSSES.map((reason) => [reason, lost(reason)])) as Record<Loss, Counter>;
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
  add(user: string, event: Event): void {
    const loss = this.#closing.signal.aborted ? 'closed' : this.#size >= this.#maxWaiting ? 'full' : undefined;
    if (loss !== undefined) {
      this.#lose(loss);
      return;
    }
    this.#size += 1;
    const since = this.#options.clock.monotonic();
    const lane = this.#lanes.get(user);
    if (lane) {
      lane.events.push({ event, since });
      return;
    }
    this.#lanes.set(user, { events: [{ event, since }], failures: 0, timer: undefined });
    this.#ready.push(user);
    this.#run();
  }

  /** Gives what is being told so long to end; the rest is lost. */
  async close(graceMs: number): Promise<void> {
    const timer = this.#options.clock.after(graceMs, () => this.#end());
    if (this.#size > 0)
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
        // Whoever waits for another attempt has it now.
        for (const [user, lane] of this.#lanes) if (lane.timer) this.#wake(user, lane);
      });
    timer.cancel();
    this.#closing.abort();
  }

  #end(): void {
    this.#closing.abort();
    for (const lane of this.#lanes.values()) lane.timer?.cancel();
    this.#lose('closed', this.#size);
    this.#size = 0;
    this.#lanes.clear();
    this.#onIdle?.();
  }

  #run(): void {
    while (this.#running < AT_ONCE) {
      const user = this.#ready.shift();
      const lane = user === undefined ? undefined : this.#lanes.get(user);
      if (user === undefined) return;
      if (!lane) continue;
      this.#running += 1;
      void this.#tellFirst(user, lane).then(() => {
        this.#running -= 1;
        this.#run();
      });
    }
  }

  async #tellFirst(user: string, lane: Lane<Event>): Promise<void> {
    const { tell, clock, logger, name } = this.#options;
    const [first] = lane.events;
    if (!first) return;
    try {
      await tell(first.event, this.#closing.signal);
      this.#told.add();
    } catch (thrown) {
      if (!this.#lanes.has(user)) return;
      const error = ImError.wrap(thrown);
      const isOld = clock.monotonic() - first.since >= this.#maxAgeMs;
      if (error.retryable && !isOld) {
        this.#tryLater(user, lane);
        return;
      }
      logger.warn('who is not connected is not told of', { sink: name, error });
      this.#lose(isOld ? 'expired' : 'refused');
    }
    if (this.#lanes.has(user)) this.#next(user, lane);
  }

  #next(user: string, lane: Lane<Event>): void {
    lane.events.shift();
    lane.failures = 0;
    this.#size -= 1;
    if (lane.events.length > 0) this.#ready.push(user);
    else this.#lanes.delete(user);
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

  #lose(reason: Loss, count = 1): void {
    if (count === 0) return;
    this.#lost[reason].add(count);
    if (reason === 'closed') this.#options.logger.warn('events of who was not connected are lost', { count });
  }
}
