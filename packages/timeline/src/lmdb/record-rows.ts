/**
 * How records lie in the table `records`: key owner · 0 · field, value revision (8 bytes) and body. Behind an owner's zero alone
 * lies how many records it has; no field is empty. Pure.
 */
import type { StoredRecord } from '../record-store.js';
import { asBuffer, readNumber, writeNumber } from './keys.js';

const REVISION_BYTES = 8;

/** @param field may be the beginning of one */
export function recordKey(owner: string, field: string): Buffer {
  return Buffer.from(`${owner}\0${field}`, 'latin1');
}

/** Above all fields that begin with the prefix, and below all other owners' that come later: fields are ASCII. */
export function endOfFields(owner: string, prefix: string): Buffer {
  return Buffer.from(`${owner}\0${prefix}\xff`, 'latin1');
}

export function fieldOf(key: Uint8Array, owner: string): string {
  return asBuffer(key).toString('latin1', owner.length + 1);
}

export function encodeRecord(revision: number, body: Uint8Array): Buffer {
  const row = Buffer.allocUnsafe(REVISION_BYTES + body.length);
  row.set(body, writeNumber(row, revision, 0));
  return row;
}

export function decodeRecord(row: Uint8Array): StoredRecord {
  return { revision: readNumber(asBuffer(row), 0), body: row.subarray(REVISION_BYTES) };
}

export function encodeCount(count: number): Buffer {
  const row = Buffer.allocUnsafe(4);
  row.writeUInt32BE(count, 0);
  return row;
}

export function decodeCount(row: Uint8Array | undefined): number {
  return row === undefined ? 0 : asBuffer(row).readUInt32BE(0);
}
