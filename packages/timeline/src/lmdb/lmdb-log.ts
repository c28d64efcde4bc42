/**
 * What is known of one log while it is in use: where its rows lie, and the recent entries that have none yet: given a
 * version, then acknowledged (durable in the journal), then moved to rows by a checkpoint. Never writes.
 */
import { ImError } from '@im/protocol';
import type { Entry, Head, NewEntry, Page, ReadRange } from '../log-store.js';
import type { Listed } from '../recency-list.js';
import type { Retention } from '../retention.js';
import { VersionRing } from '../version-ring.js';
import type { Database } from './database.js';
import { decodeFacts, decodeRow, type RowFacts } from './entry-row.js';
import type { JournalBatch } from './journal-batch.js';
import { asBuffer, entryKey, idKey, parseEntryKey, readNumber } from './keys.js';
import type { SharedBody } from './shared-body.js';

/** An entry without a row of its own. */
export interface RecentEntry extends RowFacts {
  readonly version: number;
  readonly id: string | undefined;
  readonly sharedBody: SharedBody | undefined;
  /** As it was handed in, until it is in the journal. */
  source: NewEntry | undefined;
  /** Where its bytes lie from then on. */
  batch: JournalBatch | undefined;
  start: number;
  end: number;
}

export class LmdbLog implements Listed<LmdbLog> {
  newer: LmdbLog | undefined;
  older: LmdbLog | undefined;

  readonly group: string;
  readonly retention: Retention;
  readonly #database: Database;
  /** Oldest and newest version with a row; below `first` there may be gaps. The newest is always there once written. */
  rowFirst = 1;
  rowLast = 0;
  /** Versions above `rowLast`. */
  readonly recent: VersionRing<RecentEntry>;
  readonly #recentIds = new Map<string, number>();
  /** Newest version that was acknowledged: the head as readers see it. */
  durable: number;
  /** Body bytes of all entries up to the newest given. */
  #bytes = 0;
  #lastStoredAt = 0;
  /** No version below is kept; found by looking, and remembered. */
  #first = 1;

  constructor(group: string, retention: Retention, database: Database) {
    this.group = group;
    this.retention = retention;
    this.#database = database;
    const [newest] = database.rows('entries', {
      start: entryKey(group, Number.MAX_SAFE_INTEGER),
      end: entryKey(group, 0),
      reverse: true,
      limit: 1,
    });
    if (newest !== undefined) {
      const facts = decodeFacts(newest.value);
      this.rowLast = parseEntryKey(newest.key).version;
      this.#bytes = facts.bytesBefore + facts.bodyLength;
      this.#lastStoredAt = facts.storedAt;
      const [oldest] = database.keys('entries', { start: entryKey(group, 0), end: newest.key, limit: 1 });
      this.rowFirst = oldest === undefined ? this.rowLast : parseEntryKey(oldest).version;
      this.#first = this.rowFirst;
    }
    this.durable = this.rowLast;
    this.recent = new VersionRing(this.rowLast + 1);
  }

  /** Newest version given, acknowledged or not. */
  get assigned(): number {
    return this.recent.next - 1;
  }

  /** The version of a message id if its entry is kept. */
  versionOf(id: string, now: number): number | undefined {
    const version = this.#recentIds.get(id) ?? this.#rowVersionOf(id);
    if (version === undefined) return undefined;
    const facts = this.#facts(version);
    return facts && this.#isKept(version, facts, this.assigned, this.#bytes, now) ? version : undefined;
  }

  /** Gives an entry the next version. */
  give(entry: NewEntry, sharedBody: SharedBody | undefined, now: number): RecentEntry {
    const given: RecentEntry = {
      version: this.recent.next,
      id: entry.id,
      sharedBody,
      storedAt: Math.max(now, this.#lastStoredAt),
      bytesBefore: this.#bytes,
      bodyLength: entry.body.length,
      emptied: false,
      source: entry,
      batch: undefined,
      start: 0,
      end: 0,
    };
    this.#take(given);
    return given;
  }

  /** Takes an acknowledged entry back in from the journal. */
  restore(batch: JournalBatch, version: number, start: number, end: number): RecentEntry {
    if (version !== this.recent.next) {
      throw damaged(`the journal continues ${this.group} at version ${version} instead of ${this.recent.next}`);
    }
    const row = decodeRow(batch.bytes.subarray(start, end));
    const { id, storedAt, bytesBefore, bodyLength } = row;
    const restored: RecentEntry = {
      version,
      id,
      sharedBody: undefined,
      storedAt,
      bytesBefore,
      bodyLength,
      emptied: false,
      source: undefined,
      batch,
      start,
      end,
    };
    this.#take(restored);
    this.durable = version;
    return restored;
  }

  /** Rows up to `rowLast` are there, and none below `rowFirst`: their recent entries are dropped. */
  moved(rowFirst: number, rowLast: number): void {
    while (this.recent.first <= rowLast) {
      const entry = this.recent.shift();
      if (entry?.id !== undefined && this.#recentIds.get(entry.id) === entry.version) this.#recentIds.delete(entry.id);
    }
    this.rowFirst = rowFirst;
    this.rowLast = rowLast;
  }

  head(epoch: string, now: number): Head {
    return { epoch, version: this.durable, first: this.firstKept(now) };
  }

  read(epoch: string, range: ReadRange, now: number): Page {
    for (;;) {
      const head = this.head(epoch, now);
      const entries: Entry[] = [];
      let bytes = 0;
      let lost: number | undefined;
      for (const [version, row] of this.#rows(range, head)) {
        if (entries.length === range.limit) break;
        const entry = this.#entry(version, row);
        if (entry === undefined) {
          lost = version;
          break;
        }
        bytes += entry.body.length;
        if (bytes > (range.maxBytes ?? Infinity) && entries.length > 0) break;
        entries.push(entry);
      }
      if (lost === undefined) return { ...head, entries };
      this.#first = lost + 1;
    }
  }

  /** Oldest acknowledged version that is kept; one above the newest when none is. */
  firstKept(now: number): number {
    const last = this.durable;
    const bytes = this.recent.get(last + 1)?.bytesBefore ?? this.#bytes;
    const kept = (version: number) => {
      const facts = this.#facts(version);
      return facts !== undefined && this.#isKept(version, facts, last, bytes, now);
    };
    let low = Math.max(this.#first, this.rowFirst, last - this.retention.maxEntries + 1);
    let high = last + 1;
    if (low < high && kept(low)) high = low;
    // What is kept is one run up to the head: look for its beginning.
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (kept(middle)) high = middle;
      else low = middle + 1;
    }
    this.#first = high;
    return high;
  }

  /** The bytes of an acknowledged recent entry. */
  rowOf({ batch, start, end }: RecentEntry): Uint8Array {
    if (batch === undefined) throw new ImError('INTERNAL', { message: 'the entry is not in the journal' });
    return batch.bytes.subarray(start, end);
  }

  #take(entry: RecentEntry): void {
    this.recent.push(entry);
    if (entry.id !== undefined) this.#recentIds.set(entry.id, entry.version);
    this.#bytes = entry.bytesBefore + entry.bodyLength;
    this.#lastStoredAt = entry.storedAt;
  }

  #rowVersionOf(id: string): number | undefined {
    const version = this.#database.get('ids', idKey(this.group, id));
    return version && readNumber(asBuffer(version), 0);
  }

  #facts(version: number): RowFacts | undefined {
    const recent = this.recent.get(version);
    if (recent !== undefined) return recent;
    const row = this.#database.get('entries', entryKey(this.group, version));
    return row && decodeFacts(row);
  }

  #isKept(version: number, facts: RowFacts, last: number, bytes: number, now: number): boolean {
    const { maxEntries, maxBytes, maxAgeMs } = this.retention;
    return (
      !facts.emptied &&
      last - version < maxEntries &&
      (version === last || bytes - facts.bytesBefore <= maxBytes) &&
      now - facts.storedAt <= maxAgeMs
    );
  }

  /** Acknowledged and kept entries in the order of the range. */
  *#rows(range: ReadRange, { first, version: last }: Head): Iterable<[version: number, row: Uint8Array]> {
    if ('after' in range) {
      const from = Math.max(range.after + 1, first);
      yield* this.#tableRows(from, this.rowLast, 1, range.limit);
      for (let version = Math.max(from, this.rowLast + 1); version <= last; version += 1)
        yield this.#recentRow(version);
    } else {
      const from = Math.min(range.before - 1, last);
      for (let version = from; version > this.rowLast && version >= first; version -= 1) yield this.#recentRow(version);
      yield* this.#tableRows(Math.min(from, this.rowLast), first, -1, range.limit);
    }
  }

  /** @param step 1 upwards, -1 downwards */
  *#tableRows(from: number, to: number, step: 1 | -1, limit: number): Iterable<[version: number, row: Uint8Array]> {
    if ((to - from) * step < 0) return;
    const keys = { start: entryKey(this.group, from), end: entryKey(this.group, to + step) };
    let expected = from;
    for (const { key, value } of this.#database.rows('entries', { ...keys, reverse: step < 0, limit })) {
      const { version } = parseEntryKey(key);
      if (version !== expected) throw damaged(`${this.group} has no entry ${expected}, but ${version}`);
      yield [version, value];
      expected += step;
    }
  }

  #recentRow(version: number): [version: number, row: Uint8Array] {
    const entry = this.recent.get(version);
    if (entry === undefined) throw new ImError('INTERNAL', { message: 'the entry is not in the journal' });
    return [version, this.rowOf(entry)];
  }

  /** Undefined when its shared body is gone. */
  #entry(version: number, row: Uint8Array): Entry | undefined {
    const { id, event, time, body, sharedBodyKey } = decodeRow(row);
    const bytes = body ?? (sharedBodyKey && this.#database.get('bodies', sharedBodyKey));
    return bytes && { version, ...(id !== undefined && { id }), event, body: bytes, time };
  }
}

function damaged(what: string): ImError {
  return new ImError('STORE_UNAVAILABLE', { message: `the store is damaged: ${what}`, retryable: false });
}
