/**
 * The logs in use: those with recent entries for as long as they have any, in the order in which their turn to get rows
 * comes, and a bounded number of the others, least recently used first out.
 */
import type { Counter } from '@im/protocol/ports';
import { RecencyList } from '../recency-list.js';
import type { LmdbLog } from './lmdb-log.js';

export interface LogCacheOptions {
  /** Reads a log's state from its rows. */
  readonly load: (group: string) => LmdbLog;
  /** Logs kept although they have no recent entries. */
  readonly maxIdle: number;
  /** Those that were looked for and found, and those that were read. */
  readonly hits: Counter;
  readonly misses: Counter;
}

export class LogCache {
  readonly #hits: Counter;
  readonly #misses: Counter;
  readonly #load: (group: string) => LmdbLog;
  readonly #maxIdle: number;
  readonly #logs = new Map<string, LmdbLog>();
  readonly #idle = new RecencyList<LmdbLog>();
  readonly #busy = new RecencyList<LmdbLog>();

  constructor({ load, maxIdle, hits, misses }: LogCacheOptions) {
    this.#load = load;
    this.#maxIdle = maxIdle;
    this.#hits = hits;
    this.#misses = misses;
  }

  get size(): number {
    return this.#logs.size;
  }

  get(group: string): LmdbLog {
    const known = this.#logs.get(group);
    if (known !== undefined) {
      this.#hits.add();
      if (known.recent.size === 0) this.#idle.touch(known);
      return known;
    }
    this.#misses.add();
    const log = this.#load(group);
    this.#logs.set(group, log);
    this.#idle.add(log);
    while (this.#logs.size > this.#maxIdle && this.#idle.oldest !== undefined && this.#idle.oldest !== log) {
      this.#forget(this.#idle.oldest);
    }
    return log;
  }

  /** As {@link get}, without keeping what was not in use. */
  peek(group: string): LmdbLog {
    return this.#logs.get(group) ?? this.#load(group);
  }

  /** To be called before a log without recent entries gets one. */
  beginRecent(log: LmdbLog): void {
    if (log.recent.size > 0) return;
    this.#idle.remove(log);
    this.#busy.add(log);
  }

  /** To be called after recent entries of a log got rows: it is idle, or last in line again. */
  movedRecent(log: LmdbLog): void {
    this.#busy.remove(log);
    if (log.recent.size > 0) this.#busy.add(log);
    else this.#idle.add(log);
  }

  /** The logs with recent entries, those that have waited longest first. */
  *busy(): Iterable<LmdbLog> {
    for (let log = this.#busy.oldest; log !== undefined; log = log.newer) yield log;
  }

  #forget(log: LmdbLog): void {
    this.#logs.delete(log.group);
    this.#idle.remove(log);
  }
}
