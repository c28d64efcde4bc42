/**
 * Keys of the tables, ordered as bytes. A group id has no zero byte, so that a zero ends it and no log's keys lie
 * between another's.
 */

/** Versions and the like take eight bytes, big-endian. */
const NUMBER_BYTES = 8;
/** A shared body's key: when it may be deleted, then random bytes. */
export const BODY_KEY_BYTES = NUMBER_BYTES + 16;

/** Of `entries`. */
export function entryKey(group: string, version: number): Buffer {
  const key = Buffer.allocUnsafe(group.length + 1 + NUMBER_BYTES);
  const end = key.write(group, 0, 'latin1');
  key[end] = 0;
  writeNumber(key, version, end + 1);
  return key;
}

export function parseEntryKey(key: Uint8Array): { readonly group: string; readonly version: number } {
  const buffer = asBuffer(key);
  const end = buffer.length - NUMBER_BYTES;
  return { group: buffer.toString('latin1', 0, end - 1), version: readNumber(buffer, end) };
}

/** Of `ids`. */
export function idKey(group: string, id: string): Buffer {
  const key = Buffer.allocUnsafe(group.length + 1 + id.length * 3);
  const end = key.write(group, 0, 'latin1');
  key[end] = 0;
  return key.subarray(0, end + 1 + key.write(id, end + 1, 'utf8'));
}

/** Of `journal`, and of `bodies` as a bound: everything below it may be deleted. */
export function numberKey(number: number): Buffer {
  const key = Buffer.allocUnsafe(NUMBER_BYTES);
  writeNumber(key, number, 0);
  return key;
}

export function parseNumberKey(key: Uint8Array): number {
  return readNumber(asBuffer(key), 0);
}

/** @param random 16 bytes */
export function bodyKey(expiresAt: number, random: Uint8Array): Buffer {
  return Buffer.concat([numberKey(expiresAt), random]);
}

/** The same bytes with Buffer's methods. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Non-negative safe integers, so that they order as their bytes do. */
export function writeNumber(target: Buffer, number: number, at: number): number {
  target.writeUInt32BE(Math.floor(number / 2 ** 32), at);
  return target.writeUInt32BE(number % 2 ** 32, at + 4);
}

export function readNumber(source: Buffer, at: number): number {
  return source.readUInt32BE(at) * 2 ** 32 + source.readUInt32BE(at + 4);
}
