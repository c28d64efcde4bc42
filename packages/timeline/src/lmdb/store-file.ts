/**
 * Looks at a store's file before and after LMDB opens it: LMDB trusts what it maps, and a process that maps a file that
 * is something else, or ends too early, does not survive it.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readSync, statSync, truncateSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { ImError } from '@im/protocol';

/** LMDB: page header, then `mm_magic` of the first meta page. */
const MAGIC_AT = 24;
const MAGIC = 0xbeefc0de;
/** Two meta pages of the smallest page. */
const SMALLEST_FILE = 8_192;

/** Where LMDB has its data. */
export function storeFile(folder: string): string {
  return path.join(folder, 'data.mdb');
}

/**
 * Makes the folder if need be, and sees to it that it outlives the machine.
 * @returns {@link storeFile}, which may not exist yet
 * @throws ImError STORE_UNAVAILABLE for a file that LMDB did not write, and whatever the file system says
 */
export function requireStoreFile(folder: string): string {
  const made = mkdirSync(folder, { recursive: true });
  if (made !== undefined) syncFolders(path.resolve(folder), path.dirname(path.resolve(made)));
  const file = storeFile(folder);
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > 0 && (size < SMALLEST_FILE || readMagic(file) !== MAGIC)) {
    throw new ImError('STORE_UNAVAILABLE', { message: 'data.mdb is not an LMDB file, or was cut off' });
  }
  return file;
}

/** Flushes the entries of a folder and of those above it, up to the top; what they name survives a loss of power. */
export function syncFolders(folder: string, top: string): void {
  // Windows opens no folders, and keeps their entries by itself.
  if (process.platform === 'win32') return;
  for (let each = folder; ; each = path.dirname(each)) {
    const descriptor = openSync(each, 'r');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    if (each === top || each === path.dirname(each)) return;
  }
}

/**
 * Lengthens a file that ends before its last page, as it does when a copy was cut off: what is missing is then found
 * damaged when it is read, where reading beyond the end would kill the process. (Unused last pages may be missing
 * without harm.)
 */
export function lengthenTo(file: string, bytes: number): void {
  if (statSync(file).size < bytes) truncateSync(file, bytes);
}

/** Flushes what the system has of a file. @throws what the file system says, also of earlier writes */
export async function flushFile(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

/** Says whether a file is the same as before, whatever is written to it: a copy is another one. */
export function identityOf(file: string): string {
  const { ino, birthtimeNs } = statSync(file, { bigint: true });
  return `${ino}-${birthtimeNs}`;
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
