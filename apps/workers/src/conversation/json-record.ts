/** Owns: records that are JSON, and changing one that others may be changing at the same time. */
import { ImError } from '@im/protocol';
import { decodeJson, encodeJson } from '@im/rpc';
import type { RecordChange, RecordReader, RecordStore, StoredRecord } from '@im/timeline';

/** Somebody else's change that comes between is rare; so many in a row mean that something is wrong. */
const MAX_ATTEMPTS = 40;

export interface JsonRecord<Value> {
  readonly value: Value;
  readonly revision: number;
}

export function jsonRecord<Value>(record: StoredRecord | undefined): JsonRecord<Value> | undefined {
  return record && { value: decodeJson(record.body) as Value, revision: record.revision };
}

/** @throws ImError as RecordReader.get */
export async function readRecord<Value>(
  records: RecordReader,
  owner: string,
  field: string,
): Promise<JsonRecord<Value> | undefined> {
  return jsonRecord((await records.get(owner, [field])).get(field));
}

/** The change that holds only if nobody else made one since `before` was read. @param value undefined: delete it */
export function recordChange(field: string, value: unknown, before: JsonRecord<unknown> | undefined): RecordChange {
  return { field, body: value === undefined ? undefined : encodeJson(value), revision: before?.revision ?? 0 };
}

/**
 * Changes one record of whatever it says, again if somebody else was faster.
 * @param change gives the same object back where there is nothing to change; undefined is no record
 * @returns what it says then
 * @throws ImError RECORD_CHANGED (others were faster too often), as RecordStore.write, and what `change` throws
 */
export async function changeRecord<Value>(
  records: RecordStore,
  { owner, field }: { readonly owner: string; readonly field: string },
  change: (before: Value | undefined) => Value | undefined,
): Promise<Value | undefined> {
  return persistently(async () => {
    const before = await readRecord<Value>(records, owner, field);
    const value = change(before?.value);
    if (value !== before?.value) await records.write(owner, [recordChange(field, value, before)]);
    return value;
  });
}

/** Tries again from the beginning for as long as it throws RECORD_CHANGED, within bounds. */
export async function persistently<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof ImError && error.name === 'RECORD_CHANGED') || attempts === MAX_ATTEMPTS) throw error;
    }
  }
}
