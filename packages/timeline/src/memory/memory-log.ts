/**
 * One group's log in memory: entries, the ids of those kept, and trimming by its retention.
 * Must not know other logs; what it holds is added to a usage that all logs of a store share.
 */
import type { Counter } from '@im/protocol/ports';
import type { Entry, Head, NewEntry, Page, ReadRange } from '../log-store.js';
import type { Listed } from '../recency-list.js';
import type { Retention } from '../retention.js';
import { VersionRing } from '../version-ring.js';

/** Rough cost of an entry beside its body: objects, slot, id with its place in the index. */
const ENTRY_BYTES = 256;
/** Rough cost of a log without entries. */
const LOG_BYTES = 1_024;

/** What all logs of one store hold together. */
export interface Usage {
  bytes: number;
  readonly trimmed: Counter;
}

/** A body that several logs may hold; its bytes count once, for as long as one of them does. */
export interface SharedBody {
  readonly bytes: Uint8Array;
  holders: number;
}

interface Kept {
  readonly entry: Entry;
  readonly body: SharedBody;
  /** Monotonic clock. */
  readonly appendedAt: number;
}

export class MemoryLog implements Listed<MemoryLog> {
  newer: MemoryLog | undefined;
  older: MemoryLog | undefined;

  readonly group: string;
  readonly epoch: string;
  readonly #retention: Retention;
  readonly #usage: Usage;
  readonly #ring = new VersionRing<Kept>();
  /** Message id → version, of the entries kept. */
  readonly #versions = new Map<string, number>();
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
    return this.#versions.get(id);
  }

  /** @param body the store's own copy of the entry's */
  append(entry: NewEntry, body: SharedBody, now: number): number {
    const version = this.#ring.next;
    this.#keep(version, entry, body, now);
    this.#trim(now);
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
      const entry = this.#ring.get(version)?.entry;
      if (entry === undefined) break;
      bytes += entry.body.byteLength;
      if (bytes > (range.maxBytes ?? Infinity) && entries.length > 0) break;
      entries.push(entry);
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

  #keep(version: number, { id, event, time }: NewEntry, body: SharedBody, now: number): void {
    const entry: Entry = { version, ...(id !== undefined && { id }), event, body: body.bytes, time };
    this.#ring.push({ entry, body, appendedAt: now });
    if (id !== undefined) this.#versions.set(id, version);
    if (body.holders === 0) this.#usage.bytes += body.bytes.byteLength;
    body.holders += 1;
    this.#bodyBytes += body.bytes.byteLength;
    this.#usage.bytes += ENTRY_BYTES;
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
    const { entry, body } = kept;
    if (entry.id !== undefined) this.#versions.delete(entry.id);
    body.holders -= 1;
    if (body.holders === 0) this.#usage.bytes -= body.bytes.byteLength;
    this.#bodyBytes -= body.bytes.byteLength;
    this.#usage.bytes -= ENTRY_BYTES;
    this.#usage.trimmed.add();
  }
}
