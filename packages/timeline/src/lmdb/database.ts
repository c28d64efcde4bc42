/**
 * The tables that an LMDB store lives in, as its logic sees them: keys ordered as bytes, whole transactions. A port, so
 * that tests can hold a flush or let one fail.
 */

/**
 * journal: batches as they were acknowledged. entries: one row an entry, by group and version. ids: message id → version.
 * bodies: those that several logs share. records: see `record-rows.ts`. meta: what the store knows of itself.
 */
export type Table = 'journal' | 'entries' | 'ids' | 'bodies' | 'records' | 'meta';

/** Carried out in the order of the calls. Keys are copied; values must not be changed until the commit has settled. */
export interface Writes {
  put(table: Table, key: Uint8Array, value: Uint8Array): void;
  remove(table: Table, key: Uint8Array): void;
}

export interface Row {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** From `start` (inclusive) to `end` (exclusive); with `reverse`, `end` is the lower one. */
export interface KeyRange {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** Reads see what was committed before; what they return is the caller's. They throw ImError STORE_UNAVAILABLE. */
export interface Database {
  get(table: Table, key: Uint8Array): Uint8Array | undefined;
  keys(table: Table, range: KeyRange): Uint8Array[];
  /** Row by row, as long as the caller goes on in the same turn. */
  rows(table: Table, range: KeyRange): Iterable<Row>;
  /** A failed commit may have damaged the memory of this process: the database must not be used any more, and the process should end. */
  readonly isBroken: boolean;
  /** Bytes of the file; 0 once closed. */
  size(): number;
  /**
   * One transaction; none when nothing is written. Settles once it is flushed to the disk.
   * @throws ImError STORE_FULL: nothing was changed. STORE_UNAVAILABLE: the outcome is unknown. After either nothing may be
   * committed before {@link reopen}.
   */
  commit(write: (writes: Writes) => void): Promise<void>;
  /**
   * Closes the files and opens them again: what is read from then on is on the disk.
   * @throws ImError STORE_UNAVAILABLE: nothing can be read or written until it succeeds
   */
  reopen(): Promise<void>;
  close(): Promise<void>;
}
