/**
 * The writes of records that one transaction holds: each sees those before it, and is put into the transaction whole or not at all.
 * Reads what was flushed; one transaction follows the other, so nothing else can be under way.
 */
import type { ImError } from '@im/protocol';
import { isExpected, MAX_RECORDS, recordChanged, tooManyRecords } from '../record-limits.js';
import type { RecordChange } from '../record-store.js';
import type { Revisions } from '../revisions.js';
import type { Database, Writes } from './database.js';
import { decodeCount, decodeRecord, encodeCount, encodeRecord, recordKey } from './record-rows.js';

export class RecordTransaction {
  readonly #database: Database;
  readonly #revisions: Revisions;
  readonly #writes: Writes;
  /** By owner and field, of what this transaction has changed; 0: deleted. */
  readonly #changed = new Map<string, number>();
  readonly #counts = new Map<string, number>();

  constructor(database: Database, revisions: Revisions, writes: Writes) {
    this.#database = database;
    this.#revisions = revisions;
    this.#writes = writes;
  }

  /** @returns why nothing was written */
  write(owner: string, changes: readonly RecordChange[]): ImError | undefined {
    const revisions = changes.map(({ field }) => this.#revisionOf(owner, field));
    const unmet = changes.find((change, index) => !isExpected(change, revisions[index] ?? 0));
    if (unmet !== undefined) return recordChanged(unmet.field);
    const before = this.#countOf(owner);
    const count = changes.reduce((sum, { body }, index) => {
      return sum + Number(body !== undefined) - Number(revisions[index] !== 0);
    }, before);
    if (count > MAX_RECORDS && count > before) return tooManyRecords();
    for (const [index, { field, body }] of changes.entries()) this.#put(owner, field, body, revisions[index] ?? 0);
    if (count !== before) this.#putCount(owner, count);
    return undefined;
  }

  #put(owner: string, field: string, body: Uint8Array | undefined, before: number): void {
    const key = recordKey(owner, field);
    const revision = body === undefined ? 0 : this.#revisions.next(before);
    if (body !== undefined) this.#writes.put('records', key, encodeRecord(revision, body));
    else if (before !== 0) this.#writes.remove('records', key);
    this.#changed.set(nameOf(owner, field), revision);
  }

  #putCount(owner: string, count: number): void {
    const key = recordKey(owner, '');
    if (count > 0) this.#writes.put('records', key, encodeCount(count));
    else this.#writes.remove('records', key);
    this.#counts.set(owner, count);
  }

  /** 0: it is not there. */
  #revisionOf(owner: string, field: string): number {
    const changed = this.#changed.get(nameOf(owner, field));
    if (changed !== undefined) return changed;
    const row = this.#database.get('records', recordKey(owner, field));
    return row === undefined ? 0 : decodeRecord(row).revision;
  }

  #countOf(owner: string): number {
    return this.#counts.get(owner) ?? decodeCount(this.#database.get('records', recordKey(owner, '')));
  }
}

function nameOf(owner: string, field: string): string {
  return `${owner}\0${field}`;
}
