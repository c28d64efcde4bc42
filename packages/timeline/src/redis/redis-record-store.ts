/** Records in Redis, for many processes. What happens to them is the scripts' business, being there is the connection's. */
import type { Metrics } from '@im/protocol/ports';
import type { RedisConnection } from '@im/redis';
import { PendingBound } from '../pending-bound.js';
import { RecordFigures } from '../record-figures.js';
import {
  checkChanges,
  checkFields,
  checkRecordRange,
  MAX_RECORD_BYTES,
  MAX_RECORDS,
  recordChanged,
  tooManyRecords,
} from '../record-limits.js';
import type { NamedRecord, RecordChange, RecordPage, RecordRange, RecordStore, StoredRecord } from '../record-store.js';
import { GET_RECORDS, PAGE_RECORDS, WRITE_RECORDS } from './record-scripts.js';

const REVISION_BYTES = 8;
const NO_BYTES = Buffer.alloc(0);

export class RedisRecordStore implements RecordStore {
  readonly #connection: RedisConnection;
  readonly #prefix: string;
  readonly #figures: RecordFigures;
  readonly #pending: PendingBound;

  /** @param connection stays its owner's to close @param prefix of all keys */
  constructor(connection: RedisConnection, prefix: string, metrics: Metrics) {
    this.#connection = connection;
    this.#prefix = prefix;
    this.#figures = new RecordFigures(metrics, 'redis');
    this.#pending = new PendingBound({ maxCalls: 20_000, maxBytes: 67_108_864 }, this.#figures.refused);
  }

  async get(owner: string, fields: readonly string[]): Promise<ReadonlyMap<string, StoredRecord>> {
    checkFields(owner, fields);
    const found = new Map<string, StoredRecord>();
    if (fields.length === 0) return found;
    const [hash] = this.#keysOf(owner);
    const values = (await this.#connection.run(GET_RECORDS, [hash], [...fields])) as (Buffer | null)[];
    for (const [index, field] of fields.entries()) {
      const record = decodeRecord(values[index]);
      if (record !== undefined) found.set(field, record);
    }
    return found;
  }

  async page(owner: string, range: RecordRange): Promise<RecordPage> {
    checkRecordRange(owner, range);
    const { prefix, after = '', limit } = range;
    const from = after >= prefix && after !== '' ? `(${after}` : `[${prefix}`;
    // Above all that begin with the prefix: fields are ASCII.
    const to = prefix === '' ? '+' : `(${prefix}\u00ff`;
    const reply = await this.#connection.run(PAGE_RECORDS, this.#keysOf(owner), [from, to, limit, MAX_RECORD_BYTES]);
    const [more, ...pairs] = reply as [number, ...Buffer[]];
    const records: NamedRecord[] = [];
    for (let at = 0; at < pairs.length; at += 2) {
      const record = decodeRecord(pairs[at + 1]);
      if (record !== undefined) records.push({ field: String(pairs[at]), ...record });
    }
    return { records, more: more === 1 };
  }

  async write(owner: string, changes: readonly RecordChange[]): Promise<void> {
    const bytes = checkChanges(owner, changes);
    if (changes.length === 0) return;
    this.#pending.enter(bytes);
    try {
      const args = changes.flatMap(({ field, body, revision }) => [field, revision ?? '', body ? 1 : 0, bytesOf(body)]);
      const refused = await this.#connection.run(WRITE_RECORDS, this.#keysOf(owner), [MAX_RECORDS, ...args]);
      if (refused === -1) throw tooManyRecords();
      if (refused !== 0) {
        this.#figures.conflicts.add();
        throw recordChanged(changes[Number(refused) - 1]?.field ?? '');
      }
      this.#figures.writes.add();
    } finally {
      this.#pending.leave(bytes);
    }
  }

  /** The tag is that of the owner's log: one slot of a Cluster. */
  #keysOf(owner: string): [hash: string, index: string] {
    const key = `${this.#prefix}:record:{${owner}}`;
    return [key, `${key}:f`];
  }
}

function bytesOf(body: Uint8Array | undefined): Buffer {
  return body === undefined ? NO_BYTES : Buffer.from(body.buffer, body.byteOffset, body.length);
}

function decodeRecord(value: Buffer | null | undefined): StoredRecord | undefined {
  if (!value || value.length < REVISION_BYTES) return undefined;
  return { revision: value.readDoubleBE(0), body: value.subarray(REVISION_BYTES) };
}
