/** Records in one process's memory: as durable as the process, and refused rather than given up when there is no room. */
import { ImError } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import { type Clock, type Metrics, noMetrics } from '@im/protocol/ports';
import { RecordFigures } from '../record-figures.js';
import {
  checkChanges,
  checkFields,
  checkRecordRange,
  isExpected,
  MAX_RECORD_BYTES,
  MAX_RECORDS,
  recordChanged,
  tooManyRecords,
} from '../record-limits.js';
import type { NamedRecord, RecordChange, RecordPage, RecordRange, RecordStore, StoredRecord } from '../record-store.js';
import { Revisions } from '../revisions.js';

export interface MemoryRecordStoreOptions {
  /** Of all records, bodies and what surrounds them. Default 256 MiB. */
  readonly maxTotalBytes?: number;
  /** Its wall clock keeps revisions apart from those of an earlier store. */
  readonly clock?: Clock;
  readonly metrics?: Metrics;
}

/** Rough cost of a record beside its body. */
const RECORD_BYTES = 256;
/** Rough cost of an owner. */
const OWNER_BYTES = 512;

export function createMemoryRecordStore(options: MemoryRecordStoreOptions = {}): RecordStore {
  return new MemoryRecordStore(options);
}

/** The records of one owner. */
interface Owned {
  readonly records: Map<string, StoredRecord>;
  /** Their fields in order; undefined since one came or went. */
  sorted: readonly string[] | undefined;
}

class MemoryRecordStore implements RecordStore {
  readonly #maxTotalBytes: number;
  readonly #revisions: Revisions;
  readonly #owners = new Map<string, Owned>();
  #bytes = 0;
  readonly #figures: RecordFigures;

  constructor({ maxTotalBytes = 268_435_456, clock = systemClock, metrics = noMetrics }: MemoryRecordStoreOptions) {
    this.#maxTotalBytes = maxTotalBytes;
    this.#revisions = new Revisions(clock);
    this.#figures = new RecordFigures(metrics, 'memory');
    const labels = { store: 'memory' };
    metrics.observe('im_timeline_record_bytes', { help: 'Bytes of records, about.', labels }, () => this.#bytes);
  }

  async get(owner: string, fields: readonly string[]): Promise<ReadonlyMap<string, StoredRecord>> {
    checkFields(owner, fields);
    const records = this.#owners.get(owner)?.records;
    const found = new Map<string, StoredRecord>();
    for (const field of fields) {
      const record = records?.get(field);
      if (record !== undefined) found.set(field, record);
    }
    return found;
  }

  async page(owner: string, range: RecordRange): Promise<RecordPage> {
    checkRecordRange(owner, range);
    const owned = this.#owners.get(owner);
    const records: NamedRecord[] = [];
    if (owned === undefined) return { records, more: false };
    const { prefix, after = '', limit } = range;
    let bytes = 0;
    owned.sorted ??= [...owned.records.keys()].sort();
    for (const field of owned.sorted) {
      const record = owned.records.get(field);
      if (record === undefined || field <= after || !field.startsWith(prefix)) continue;
      bytes += record.body.length;
      if (records.length === limit || (bytes > MAX_RECORD_BYTES && records.length > 0)) return { records, more: true };
      records.push({ field, ...record });
    }
    return { records, more: false };
  }

  async write(owner: string, changes: readonly RecordChange[]): Promise<void> {
    checkChanges(owner, changes);
    const owned = this.#owners.get(owner) ?? { records: new Map<string, StoredRecord>(), sorted: undefined };
    this.#check(owned, changes);
    for (const change of changes) this.#change(owned, change);
    this.#keep(owner, owned);
    this.#figures.writes.add();
  }

  /** @throws ImError RECORD_CHANGED, TOO_MANY_RECORDS, STORE_FULL */
  #check({ records }: Owned, changes: readonly RecordChange[]): void {
    let count = records.size;
    let bytes = this.#bytes + (records.size === 0 ? OWNER_BYTES : 0);
    let grows = false;
    for (const change of changes) {
      const { field, body } = change;
      const before = records.get(field);
      if (!isExpected(change, before?.revision ?? 0)) {
        this.#figures.conflicts.add();
        throw recordChanged(field);
      }
      count += Number(body !== undefined) - Number(before !== undefined);
      bytes += costOf(body) - costOf(before?.body);
      grows ||= costOf(body) > costOf(before?.body);
    }
    if (count > MAX_RECORDS && count > records.size) throw tooManyRecords();
    if (bytes > this.#maxTotalBytes && grows) throw new ImError('STORE_FULL');
  }

  #change(owned: Owned, { field, body }: RecordChange): void {
    const before = owned.records.get(field);
    this.#bytes += costOf(body) - costOf(before?.body);
    if (body === undefined) owned.records.delete(field);
    // Not `slice`: a Buffer's would share its memory.
    else owned.records.set(field, { body: new Uint8Array(body), revision: this.#revisions.next(before?.revision) });
    if ((body === undefined) !== (before === undefined)) owned.sorted = undefined;
  }

  #keep(owner: string, owned: Owned): void {
    const known = this.#owners.has(owner);
    if (owned.records.size > 0 && !known) {
      this.#owners.set(owner, owned);
      this.#bytes += OWNER_BYTES;
    } else if (owned.records.size === 0 && known) {
      this.#owners.delete(owner);
      this.#bytes -= OWNER_BYTES;
    }
  }
}

function costOf(body: Uint8Array | undefined): number {
  return body === undefined ? 0 : RECORD_BYTES + body.length;
}
