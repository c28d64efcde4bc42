/**
 * One writer a store: versions are given from memory, so that two processes on one store would give the same ones twice.
 *
 * LMDB notes every process that reads in its lock file, behind file locks that end with the process, however it ends. A
 * store reads before it looks at that list; of two that open at the same time at least one sees the other.
 */
import { realpathSync } from 'node:fs';
import { ImError } from '@im/protocol';

/** What the claim needs of lmdb-js. */
export interface ReaderTable {
  /** Frees the entries of processes that are gone. */
  readerCheck(): number;
  /** A line each, beginning with the process id. */
  readerList(): string;
}

/** Stores open in this process, which LMDB's list cannot tell apart. */
const openStores = new Set<string>();

/**
 * To be called after a first read.
 * @returns gives the store free again
 * @throws ImError STORE_UNAVAILABLE when another process or this one has the store open
 */
export function claimStore(folder: string, readers: ReaderTable): () => void {
  const store = realpathSync(folder);
  if (openStores.has(store)) throw new ImError('STORE_UNAVAILABLE', { message: 'it is already open in this process' });
  readers.readerCheck();
  const others = readers
    .readerList()
    .split('\n')
    .map((line) => Number.parseInt(line.trim(), 10))
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid);
  if (others.length > 0) {
    throw new ImError('STORE_UNAVAILABLE', { message: `process ${others[0]} has it open; a store has one writer` });
  }
  openStores.add(store);
  return () => void openStores.delete(store);
}
