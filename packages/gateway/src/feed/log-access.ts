/**
 * The log as the gateway reads it: bounded in time and in how much is under way, and equal reads under way shared, so
 * that a thousand viewers who return to a room at once read it once. Must not know who reads.
 */
import { ImError } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import type { Head, LogReader, Page } from '@im/timeline';

export interface LogAccessOptions {
  readonly clock: Clock;
  /** An answer that takes longer counts as STORE_UNAVAILABLE. */
  readonly timeoutMs: number;
  /** Reads under way at once; more wait. */
  readonly maxConcurrent: number;
  /** Reads that wait; more are refused with STORE_UNAVAILABLE. */
  readonly maxWaiting: number;
}

/** Largest page in bytes of bodies. */
const MAX_PAGE_BYTES = 256 * 1024;

export class LogAccess {
  readonly #log: LogReader;
  readonly #options: LogAccessOptions;
  readonly #underWay = new Map<string, Promise<Page | Head>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(log: LogReader, options: LogAccessOptions) {
    this.#log = log;
    this.#options = options;
  }

  /** @throws ImError STORE_UNAVAILABLE */
  head(group: string): Promise<Head> {
    return this.#shared(group, () => this.#log.head(group));
  }

  /** Forward from a version; may end before the limit. @throws ImError STORE_UNAVAILABLE */
  read(group: string, after: number, limit: number): Promise<Page> {
    const range = { after, limit, maxBytes: MAX_PAGE_BYTES };
    return this.#shared(`${group} ${after} ${limit}`, () => this.#log.read(group, range)) as Promise<Page>;
  }

  #shared(key: string, read: () => Promise<Page | Head>): Promise<Page | Head> {
    const present = this.#underWay.get(key);
    if (present) return present;
    const promise = this.#bounded(read).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, promise);
    return promise;
  }

  async #bounded<T>(read: () => Promise<T>): Promise<T> {
    const { maxConcurrent, maxWaiting, clock, timeoutMs } = this.#options;
    if (this.#running >= maxConcurrent) {
      if (this.#waiting.length >= maxWaiting) throw unavailable('too many reads are waiting for the store');
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#running++;
    try {
      return await withTimeout(read(), clock, timeoutMs);
    } catch (cause) {
      throw unavailable('the log cannot be read now', cause);
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }
}

/** Rejects when the promise takes longer; what it brings later is dropped. */
export function withTimeout<T>(promise: Promise<T>, clock: Clock, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(timeoutMs, () => reject(new ImError('TIMEOUT')), { background: true });
    promise.then(resolve, reject).finally(() => timer.cancel());
  });
}

function unavailable(message: string, cause?: unknown): ImError {
  return new ImError('STORE_UNAVAILABLE', { message, cause });
}
