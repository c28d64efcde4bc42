/**
 * Looks at a store's file before and after LMDB opens it: LMDB trusts what it maps, and a process that maps a file that
 * is something else, or ends too early, does not survive it.
 */
import { closeSync, mkdirSync, openSync, readSync, statSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { ImError } from '@im/protocol';

/** LMDB: page header, then `mm_magic` of the first meta page. */
const MAGIC_AT = 24;
const MAGIC = 0xbeefc0de;
/** Two meta pages of the smallest page. */
const SMALLEST_FILE = 8_192;

/**
 * Makes the folder if need be.
 * @returns the path of LMDB's data file, which may not exist yet
 * @throws ImError STORE_UNAVAILABLE for a file that LMDB did not write, and whatever the file system says
 */
export function requireStoreFile(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'data.mdb');
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > 0 && (size < SMALLEST_FILE || readMagic(file) !== MAGIC)) {
    throw new ImError('STORE_UNAVAILABLE', { message: 'data.mdb is not an LMDB file, or was cut off' });
  }
  return file;
}

/**
 * Lengthens a file that ends before its last page, as it does when a copy was cut off: what is missing is then found
 * damaged when it is read, where reading beyond the end would kill the process. (Unused last pages may be missing
 * without harm.)
 */
export function lengthenTo(file: string, bytes: number): void {
  if (statSync(file).size < bytes) truncateSync(file, bytes);
}

function readMagic(file: string): number {
  const descriptor = openSync(file, 'r');
  try {
    const header = Buffer.alloc(MAGIC_AT + 4);
    readSync(descriptor, header, 0, header.length, 0);
    return header.readUInt32LE(MAGIC_AT);
  } finally {
    closeSync(descriptor);
  }
}
