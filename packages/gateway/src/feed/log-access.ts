/**
 * The log as the gateway reads it: bounded in time and in how much is under way, and equal reads under way shared, so
 * that a thousand viewers who return to a room at once read it a few times. Must not know who reads.
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
/** How soon a log that has just gone away is asked again. */
const AGAIN_MS = 200;

export interface LogAccessOptions {
  readonly clock: Clock;
  /** An answer that takes longer counts as STORE_UNAVAILABLE. */
  readonly timeoutMs: number;
  /** Runs something once, at the end of the turn. */
  readonly afterTurn: (run: () => void) => void;
}

export class LogAccess {
  readonly #log: LogReader;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #limit = new ConcurrencyLimit(READS_AT_ONCE, READS_WAITING);
  readonly #heads = new Map<string, Promise<Head>>();
  readonly #pages = new Map<string, Promise<Page>>();
  /** Of this turn. */
  readonly #recent = new Map<string, Promise<Page>>();
  readonly #afterTurn: (run: () => void) => void;
  /** When the first read began of those that have failed since one succeeded. Monotonic. */
  #awaySince: number | undefined;

  constructor(log: LogReader, { clock, timeoutMs, afterTurn }: LogAccessOptions) {
    this.#log = log;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#afterTurn = afterTurn;
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

  /**
   * The same, of some time within this turn: shared by all who ask in it, however quick the log. Whoever must have what was appended
   * meanwhile looks again with {@link read}.
   */
  recent(group: string, after: number, limit: number): Promise<Page> {
    const key = `${group} ${after} ${limit}`;
    const known = this.#recent.get(key);
    if (known) return known;
    if (this.#recent.size === 0) this.#afterTurn(() => this.#recent.clear());
    const page = this.read(group, after, limit);
    this.#recent.set(key, page);
    return page;
  }

  /**
   * The same, for whom an answer is worth a wait: a log that went away just now, as while its store is restarted, is asked again
   * until it has been away for as long as an answer may take. Who comes later does not wait.
   */
  async awaited(group: string, after: number, limit: number): Promise<Page> {
    const giveUpAt = this.#clock.monotonic() + this.#timeoutMs;
    for (;;) {
      try {
        return await this.recent(group, after, limit);
      } catch (error) {
        const now = this.#clock.monotonic();
        if (now >= Math.min(giveUpAt, (this.#awaySince ?? now) + this.#timeoutMs)) throw error;
        await new Promise<void>((resolve) => this.#clock.after(AGAIN_MS, resolve, { background: true }));
      }
    }
  }

  #shared<T>(underWay: Map<string, Promise<T>>, key: string, read: () => Promise<T>): Promise<T> {
    const present = underWay.get(key);
    if (present) return present;
    const promise = this.#bounded(read).finally(() => underWay.delete(key));
    underWay.set(key, promise);
    return promise;
  }

  async #bounded<T>(read: () => Promise<T>): Promise<T> {
    const began = this.#clock.monotonic();
    try {
      // From when it is asked for: who waits behind a store that hangs is answered in time too.
      const answer = await withPatience(this.#limit.run(read), { clock: this.#clock, timeoutMs: this.#timeoutMs });
      this.#awaySince = undefined;
      return answer;
    } catch (cause) {
      this.#awaySince ??= began;
      throw new ImError('STORE_UNAVAILABLE', { cause });
    }
  }
}
