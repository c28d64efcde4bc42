/** Records on the local disk, in the environment of the logs: read from their rows, written in the transactions of appends. */
import { ImError } from '@im/protocol';
import { checkChanges, checkFields, checkRecordRange, MAX_RECORD_BYTES } from '../record-limits.js';
import type { NamedRecord, RecordChange, RecordPage, RecordRange, RecordStore, StoredRecord } from '../record-store.js';
import type { CommitPipeline } from './commit-pipeline.js';
import type { Database } from './database.js';
import { decodeRecord, endOfFields, fieldOf, recordKey } from './record-rows.js';

export class LmdbRecordStore implements RecordStore {
  readonly #database: Database;
  readonly #pipeline: CommitPipeline;
  #closed = false;

  constructor(database: Database, pipeline: CommitPipeline) {
    this.#database = database;
    this.#pipeline = pipeline;
  }

  async get(owner: string, fields: readonly string[]): Promise<ReadonlyMap<string, StoredRecord>> {
    this.#checkOpen();
    checkFields(owner, fields);
    const found = new Map<string, StoredRecord>();
    for (const field of fields) {
      const row = this.#database.get('records', recordKey(owner, field));
      if (row !== undefined) found.set(field, decodeRecord(row));
    }
    return found;
  }

  async page(owner: string, range: RecordRange): Promise<RecordPage> {
    this.#checkOpen();
    checkRecordRange(owner, range);
    const { prefix, after, limit } = range;
    // Behind the owner's count, or the field that is known.
    const start = after !== undefined && after >= prefix ? `${after}\0` : prefix || '\x01';
    const records: NamedRecord[] = [];
    let bytes = 0;
    const keys = { start: recordKey(owner, start), end: endOfFields(owner, prefix), limit: limit + 1 };
    for (const { key, value } of this.#database.rows('records', keys)) {
      const record = decodeRecord(value);
      bytes += record.body.length;
      if (records.length === limit || (bytes > MAX_RECORD_BYTES && records.length > 0)) return { records, more: true };
      records.push({ field: fieldOf(key, owner), ...record });
    }
    return { records, more: false };
  }

  async write(owner: string, changes: readonly RecordChange[]): Promise<void> {
    this.#checkOpen();
    const bytes = checkChanges(owner, changes);
    if (changes.length > 0) await this.#pipeline.writeRecords(owner, changes, bytes);
  }

  /** Nothing is asked of the database from now on. */
  close(): void {
    this.#closed = true;
  }

  #checkOpen(): void {
    if (this.#closed) throw new ImError('CLOSED');
  }
}
