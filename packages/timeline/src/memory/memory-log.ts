/**
 * One group's log in memory: entries, the ids of those kept, and trimming by its retention.
 * Must not know other logs; what it holds is added to a usage that all logs of a store share.
 */
import type { Counter } from '@im/protocol/ports';
import type { Entry, Head, NewEntry, Page, ReadRange } from '../log-store.js';
import type { Listed } from '../recency-list.js';
import type { Retention } from '../retention.js';
import { VersionRing } from '../version-ring.js';
import type { IdFilter } from './id-filter.js';

/** Rough cost of an entry beside its body: objects, slot, id with its place in the index. */
const ENTRY_BYTES = 256;
/** Rough cost of a log without entries. */
const LOG_BYTES = 1_024;

/** What all logs of one store hold together. */
export interface Usage {
  bytes: number;
  /** Of the entries kept. */
  readonly ids: IdFilter;
  readonly trimmed: Counter;
}

/** What is kept of an append: once, however many logs it went to. The bytes of its body and its id count for as long as one of them holds it. */
export interface Kept extends NewEntry {
  /** Monotonic clock. */
  readonly appendedAt: number;
  holders: number;
}

/** So many entries are looked through for an id, from the newest; of more an index is made when one is looked for, and kept up: that costs each append. */
const LOOKED_THROUGH = 256;

export class MemoryLog implements Listed<MemoryLog> {
  newer: MemoryLog | undefined;
  older: MemoryLog | undefined;

  readonly group: string;
  readonly epoch: string;
  readonly #retention: Retention;
  readonly #usage: Usage;
  readonly #ring = new VersionRing<Kept>();
  /** Message id → version, of the entries kept, since one was looked for among many. */
  #versions: Map<string, number> | undefined;
  #bodyBytes = 0;

  constructor(group: string, epoch: string, retention: Retention, usage: Usage) {
    this.group = group;
    this.epoch = epoch;
    this.#retention = retention;
    this.#usage = usage;
    usage.bytes += LOG_BYTES;
  }

  head(now: number): Head {
    this.#trim(now);
    return { epoch: this.epoch, version: this.#ring.next - 1, first: this.#ring.first };
  }

  /** The version of a message id if its entry is kept. */
  versionOf(id: string, now: number): number | undefined {
    this.#trim(now);
    if (this.#ring.size > LOOKED_THROUGH) {
      this.#versions ??= this.#indexed();
      return this.#versions.get(id);
    }
    for (let version = this.#ring.next - 1; version >= this.#ring.first; version -= 1) {
      if (this.#ring.get(version)?.id === id) return version;
    }
    return undefined;
  }

  /** @param kept with a body that is the store's own */
  append(kept: Kept): number {
    const version = this.#ring.next;
    this.#keep(version, kept);
    this.#trim(kept.appendedAt);
    return version;
  }

  read(range: ReadRange, now: number): Page {
    const head = this.head(now);
    const forward = 'after' in range;
    const step = forward ? 1 : -1;
    const entries: Entry[] = [];
    let bytes = 0;
    let version = forward ? Math.max(range.after + 1, head.first) : Math.min(range.before - 1, head.version);
    for (; entries.length < range.limit; version += step) {
      const kept = this.#ring.get(version);
      if (kept === undefined) break;
      const { id, event, body, time } = kept;
      bytes += body.length;
      if (bytes > (range.maxBytes ?? Infinity) && entries.length > 0) break;
      entries.push(id === undefined ? { version, event, body, time } : { version, id, event, body, time });
    }
    return { ...head, entries };
  }

  /** Drops the oldest entry, whatever the retention says; false when only the newest is left. */
  dropOldest(): boolean {
    if (this.#ring.size < 2) return false;
    this.#drop();
    return true;
  }

  /** Gives up everything it holds. The log must not be used afterwards. */
  dispose(): void {
    while (this.#ring.size > 0) this.#drop();
    this.#usage.bytes -= LOG_BYTES;
  }

  #keep(version: number, kept: Kept): void {
    this.#ring.push(kept);
    if (kept.id !== undefined) this.#versions?.set(kept.id, version);
    if (kept.holders === 0) {
      this.#usage.bytes += kept.body.length;
      if (kept.id !== undefined) this.#usage.ids.add(kept.id);
    }
    kept.holders += 1;
    this.#bodyBytes += kept.body.length;
    this.#usage.bytes += ENTRY_BYTES;
  }

  #indexed(): Map<string, number> {
    const versions = new Map<string, number>();
    for (let version = this.#ring.first; version < this.#ring.next; version += 1) {
      const id = this.#ring.get(version)?.id;
      if (id !== undefined) versions.set(id, version);
    }
    return versions;
  }

  #trim(now: number): void {
    const { maxEntries, maxBytes, maxAgeMs } = this.#retention;
    for (let oldest = this.#ring.get(this.#ring.first); oldest; oldest = this.#ring.get(this.#ring.first)) {
      const { size } = this.#ring;
      const over = size > maxEntries || (size > 1 && this.#bodyBytes > maxBytes) || now - oldest.appendedAt > maxAgeMs;
      if (!over) return;
      this.#drop();
    }
  }

  #drop(): void {
    const kept = this.#ring.shift();
    if (kept === undefined) return;
    if (kept.id !== undefined) this.#versions?.delete(kept.id);
    if (this.#ring.size <= LOOKED_THROUGH) this.#versions = undefined;
    kept.holders -= 1;
    if (kept.holders === 0) {
      this.#usage.bytes -= kept.body.length;
      if (kept.id !== undefined) this.#usage.ids.remove(kept.id);
    }
    this.#bodyBytes -= kept.body.length;
    this.#usage.bytes -= ENTRY_BYTES;
    this.#usage.trimmed.add();
  }
}
