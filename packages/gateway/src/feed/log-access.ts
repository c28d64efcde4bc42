/**
 * The log as the gateway reads it: bounded in time and in how much is under way, and equal reads under way shared, so
 * that a thousand viewers who return to a room at once read it once. Must not know who reads.
 */
import { ImError } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import type { Head, LogReader, Page } from '@im/timeline';
import { ConcurrencyLimit } from '../concurrency-limit.js';
import { withPatience } from '../patience.js';

/** Largest page in bytes of bodies. */
const MAX_PAGE_BYTES = 256 * 1024;
const READS_AT_ONCE = 64;
/** Beyond, reads fail with STORE_UNAVAILABLE. */
const READS_WAITING = 100_000;

export class LogAccess {
  readonly #log: LogReader;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #limit = new ConcurrencyLimit(READS_AT_ONCE, READS_WAITING);
  readonly #heads = new Map<string, Promise<Head>>();
  readonly #pages = new Map<string, Promise<Page>>();

  /** @param timeoutMs an answer that takes longer counts as STORE_UNAVAILABLE */
  constructor(log: LogReader, clock: Clock, timeoutMs: number) {
    this.#log = log;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** @throws ImError STORE_UNAVAILABLE */
  head(group: string): Promise<Head> {
    return this.#shared(this.#heads, group, () => this.#log.head(group));
  }

  /** Forward from a version; may end before the limit. @throws ImError STORE_UNAVAILABLE */
  read(group: string, after: number, limit: number): Promise<Page> {
    const range = { after, limit, maxBytes: MAX_PAGE_BYTES };
    return this.#shared(this.#pages, `${group} ${after} ${limit}`, () => this.#log.read(group, range));
  }

  #shared<T>(underWay: Map<string, Promise<T>>, key: string, read: () => Promise<T>): Promise<T> {
    const present = underWay.get(key);
    if (present) return present;
    const promise = this.#bounded(read).finally(() => underWay.delete(key));
    underWay.set(key, promise);
    return promise;
  }

  async #bounded<T>(read: () => Promise<T>): Promise<T> {
    try {
      // From when it is asked for: who waits behind a store that hangs is answered in time too.
      return await withPatience(this.#limit.run(read), { clock: this.#clock, timeoutMs: this.#timeoutMs });
    } catch (cause) {
      throw new ImError('STORE_UNAVAILABLE', { cause });
    }
  }
}
