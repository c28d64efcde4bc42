/**
 * Moves acknowledged entries from the journal to rows of their own, drops what retention no longer keeps, and frees
 * batches whose entries all have moved. Many entries of a log move together, so that its pages are written seldom.
 */
import type { Counter } from '@im/protocol/ports';
import type { Database, Writes } from './database.js';
import { decodeRow, emptiedRow } from './entry-row.js';
import { asBuffer, entryKey, idKey, numberKey, parseEntryKey, readNumber, writeNumber } from './keys.js';
import type { LmdbLog, RecentEntry } from './lmdb-log.js';
import type { LogCache } from './log-cache.js';

/** Rows of one log dropped in one transaction; the rest waits for the log's next turn. */
const MOST_DROPPED = 512;

interface Move {
  readonly log: LmdbLog;
  readonly rowFirst: number;
  readonly rowLast: number;
}

export class Checkpoint {
  readonly #database: Database;
  readonly #logs: LogCache;
  readonly #trimmed: Counter;
  /** Written, not yet committed. */
  #moves: Move[] = [];
  /** Acknowledged entries without a row. */
  entries = 0;
  bytes = 0;

  constructor(database: Database, logs: LogCache, trimmed: Counter) {
    this.#database = database;
    this.#logs = logs;
    this.#trimmed = trimmed;
  }

  /** An entry was acknowledged. */
  add({ start, end }: RecentEntry): void {
    this.entries += 1;
    this.bytes += end - start;
  }

  /** Writes about as many entries as the budget says. {@link committed} must follow before the next. */
  write(writes: Writes, budget: number, now: number): void {
    let left = budget;
    for (const log of this.#logs.busy()) {
      if (left <= 0) return;
      const upto = Math.min(log.durable, log.rowLast + left);
      if (upto === log.rowLast) continue;
      left -= upto - log.rowLast;
      this.#moves.push(this.#move(log, upto, writes, now));
    }
  }

  /** Drops what a log without recent entries no longer keeps. Returns about how many rows. */
  trim(log: LmdbLog, writes: Writes, now: number): number {
    if (log.rowLast === 0) return 0;
    const move = this.#move(log, log.rowLast, writes, now);
    this.#moves.push(move);
    return move.rowFirst - log.rowFirst;
  }

  /** What was written is flushed. */
  committed(): void {
    for (const { log, rowFirst, rowLast } of this.#moves) {
      const moved = log.recent.first <= rowLast;
      for (let version = log.recent.first; version <= rowLast; version += 1) {
        const entry = log.recent.get(version);
        if (entry === undefined) break;
        this.entries -= 1;
        this.bytes -= entry.end - entry.start;
      }
      log.moved(rowFirst, rowLast);
      if (moved) this.#logs.movedRecent(log);
    }
    this.#moves = [];
  }

  #move(log: LmdbLog, upto: number, writes: Writes, now: number): Move {
    const first = log.firstKept(now);
    // Before anything is put: a dropped entry's id may come back with a new one's.
    const rowFirst = this.#drop(log, Math.min(first, upto), writes);
    if (upto === log.rowLast) this.#emptyHead(log, first, writes);
    for (let version = log.rowLast + 1; version <= upto; version += 1) {
      const entry = log.recent.get(version);
      if (entry === undefined) break;
      this.#put(log, entry, first, upto, writes);
      this.#release(entry, writes);
    }
    return { log, rowFirst: Math.min(rowFirst, upto), rowLast: upto };
  }

  #put(log: LmdbLog, entry: RecentEntry, first: number, upto: number, writes: Writes): void {
    const { version, id } = entry;
    if (version >= first) {
      writes.put('entries', entryKey(log.group, version), log.rowOf(entry));
      if (id !== undefined) writes.put('ids', idKey(log.group, id), versionValue(version));
    } else {
      this.#trimmed.add();
      if (version === upto) writes.put('entries', entryKey(log.group, version), emptiedRow(entry));
    }
  }

  #release({ batch }: RecentEntry, writes: Writes): void {
    if (batch === undefined) return;
    batch.remaining -= 1;
    if (batch.remaining === 0) writes.remove('journal', numberKey(batch.sequence));
  }

  /** Drops rows below a version. Returns the oldest that may be left. */
  #drop(log: LmdbLog, below: number, writes: Writes): number {
    if (log.rowFirst >= below) return log.rowFirst;
    let dropped = 0;
    const range = { start: entryKey(log.group, log.rowFirst), end: entryKey(log.group, below), limit: MOST_DROPPED };
    for (const { key, value } of this.#database.rows('entries', range)) {
      this.#forgetId(log, parseEntryKey(key).version, value, writes);
      writes.remove('entries', key);
      dropped += 1;
      if (dropped === MOST_DROPPED) return parseEntryKey(key).version + 1;
    }
    return below;
  }

  /** The newest row stays for its version's sake; its entry goes. */
  #emptyHead(log: LmdbLog, first: number, writes: Writes): void {
    if (first <= log.rowLast) return;
    const key = entryKey(log.group, log.rowLast);
    const value = this.#database.get('entries', key);
    if (value === undefined) return;
    const row = decodeRow(value);
    if (row.emptied) return;
    this.#forgetId(log, log.rowLast, value, writes);
    writes.put('entries', key, emptiedRow(row));
  }

  #forgetId(log: LmdbLog, version: number, value: Uint8Array, writes: Writes): void {
    const { id, emptied } = decodeRow(value);
    if (!emptied) this.#trimmed.add();
    if (id === undefined) return;
    const key = idKey(log.group, id);
    const known = this.#database.get('ids', key);
    if (known && readNumber(asBuffer(known), 0) === version) writes.remove('ids', key);
  }
}

function versionValue(version: number): Buffer {
  const value = Buffer.allocUnsafe(8);
  writeNumber(value, version, 0);
  return value;
}
