/**
 * A log store that goes on while another is away: what must not stop, as rooms do, is appended to a stand-in meanwhile, under
 * the stand-in's epoch, so that everybody is told. Owns the choice between the two; must not know why one is away.
 */
import { ImError } from '@im/protocol';
import { type Logger, type Metrics, noMetrics, silentLogger } from '@im/protocol/ports';
import { checkEntry } from './argument-checks.js';
import type { Appended, Head, LogStore, NewEntry, Page, ReadRange } from './log-store.js';

/** Whether a store can be used; a Redis store says so of itself. */
export interface Availability {
  readonly available: boolean;
  /** Calls back at each change from now on. @returns ends that */
  onAvailability(listener: (available: boolean) => void): () => void;
}

export interface StandInOptions {
  /** The one to use whenever it is there. Closed with the whole. */
  readonly store: LogStore & Availability;
  /**
   * Makes an empty store, for one absence: its epochs must be new ones, and name the node. It is closed, and forgotten, when
   * `store` is back; without metrics, which would not forget it.
   */
  readonly standIn: () => LogStore;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
}

/**
 * Takes every group that it is given; route those to it that may be kept in memory for a while:
 * `routeLogStores({ kinds: { r: standInFor({ store, standIn }) }, default: store })`.
 */
export function standInFor(options: StandInOptions): LogStore {
  return new StandInLogStore(options);
}

class StandInLogStore implements LogStore {
  readonly #store: LogStore & Availability;
  readonly #make: () => LogStore;
  readonly #logger: Logger;
  readonly #stop: () => void;
  readonly #absences;
  /** Made by the first call of an absence. */
  #standIn: LogStore | undefined;
  #closed = false;

  constructor({ store, standIn, logger = silentLogger, metrics = noMetrics }: StandInOptions) {
    this.#store = store;
    this.#make = standIn;
    this.#logger = logger;
    this.#absences = metrics.counter('im_timeline_stand_ins_total', { help: 'Times that a stand-in took over.' });
    metrics.observe('im_timeline_standing_in', { help: '1 while a stand-in is in use.' }, () =>
      this.#standIn ? 1 : 0,
    );
    this.#stop = store.onAvailability((available) => {
      if (available) this.#return();
    });
  }

  head(group: string): Promise<Head> {
    return this.#carryOut((store) => store.head(group));
  }

  read(group: string, range: ReadRange): Promise<Page> {
    return this.#carryOut((store) => store.read(group, range));
  }

  append(group: string, entry: NewEntry): Promise<Appended> {
    return this.#carryOut((store) => store.append(group, entry));
  }

  async appendMany(groups: readonly string[], entry: NewEntry): Promise<ReadonlyMap<string, Appended | Error>> {
    this.#checkOpen();
    checkEntry(entry);
    const store = this.#current();
    const outcomes = await store.appendMany(groups, entry);
    const left = [...outcomes].filter(([, outcome]) => this.#wentAway(store, outcome)).map(([group]) => group);
    if (left.length === 0) return outcomes;
    return new Map([...outcomes, ...(await this.#current().appendMany(left, entry))]);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stop();
    await Promise.all([this.#store.close(), this.#standIn?.close()]);
    this.#standIn = undefined;
  }

  async #carryOut<Result>(call: (store: LogStore) => Promise<Result>): Promise<Result> {
    this.#checkOpen();
    const store = this.#current();
    try {
      return await call(store);
    } catch (error) {
      if (!this.#wentAway(store, error)) throw error;
      return call(this.#current());
    }
  }

  /** Whether this outcome is of a store that has left since: whether it took the entry is unknown then. */
  #wentAway(store: LogStore, outcome: unknown): boolean {
    if (store !== this.#store || this.#store.available || this.#closed) return false;
    return outcome instanceof ImError && outcome.name === 'STORE_UNAVAILABLE';
  }

  #current(): LogStore {
    if (this.#store.available) return this.#store;
    if (this.#standIn === undefined) {
      this.#standIn = this.#make();
      this.#absences.add();
      this.#logger.warn('the log store is away: logs go on in memory, under a new epoch');
    }
    return this.#standIn;
  }

  #return(): void {
    const standIn = this.#standIn;
    if (standIn === undefined) return;
    this.#standIn = undefined;
    this.#logger.info('the log store is back: logs go on there');
    standIn.close().catch((error: unknown) => this.#logger.error('a stand-in did not close', { error }));
  }

  #checkOpen(): void {
    if (this.#closed) throw new ImError('CLOSED');
  }
}
