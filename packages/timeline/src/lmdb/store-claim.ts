/**
 * One writer a store: versions are given from memory, so that two writers on one store would give the same ones twice.
 *
 * Other processes are found by LMDB's own list: it notes every process that reads in its lock file, behind file locks
 * that end with the process, however it ends. A store reads before it looks; of two that open at the same time at least
 * one sees the other.
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

/** Of this process, which LMDB's list cannot tell apart. */
const openStores = new Set<string>();

/**
 * Claims a store within this process; to be called before its files are opened.
 * @param folder exists
 * @returns gives the store free again
 * @throws ImError STORE_UNAVAILABLE
 */
export function claimStore(folder: string): () => void {
  const store = realpathSync(folder);
  if (openStores.has(store)) throw new ImError('STORE_UNAVAILABLE', { message: 'it is already open in this process' });
  openStores.add(store);
  return () => void openStores.delete(store);
}

/**
 * To be called after a first read.
 * @throws ImError STORE_UNAVAILABLE when another process has the store open
 */
export function requireSoleProcess(readers: ReaderTable): void {
  readers.readerCheck();
  const other = readers
    .readerList()
    .split('\n')
    .map((line) => Number.parseInt(line.trim(), 10))
    .find((pid) => Number.isInteger(pid) && pid !== process.pid);
  if (other !== undefined) {
    throw new ImError('STORE_UNAVAILABLE', { message: `process ${other} has it open; a store has one writer` });
  }
}
