/**
 * The `lmdb` package behind the {@link Database} port. Owns the files and how LMDB's errors are told.
 *
 * Flushing: without `overlappingSync`, LMDB commits as it was designed to: pages written, fdatasync, then the meta page
 * through a descriptor opened with O_DSYNC. lmdb-js does all of that on a thread of its own and settles its promises
 * afterwards; with `overlappingSync`, its default, they settle at the commit, and the flush follows.
 */
import { ImError } from '@im/protocol';
import { type Database as LmdbTable, open, type RootDatabase } from 'lmdb';
import type { Database, KeyRange, Row, Table, Writes } from './database.js';
import { claimStore } from './store-claim.js';
import { lengthenTo, requireStoreFile } from './store-file.js';

type Bytes = LmdbTable<Uint8Array, Uint8Array>;

const TABLES: readonly Table[] = ['journal', 'entries', 'ids', 'bodies', 'meta'];
const BINARY = { encoding: 'binary', keyEncoding: 'binary' } as const;

/** How lmdb-js, which has no codes for most errors, says that there was no room; nothing was changed then. */
const FULL = /MDB_MAP_FULL|MDB_TXN_FULL|No space left on device|Disk quota exceeded|File too large/;

/**
 * Opens the files in a folder, which is made if need be, for this process alone.
 * @throws ImError STORE_UNAVAILABLE with one line that says why
 */
export function openLmdbDatabase(folder: string): Database {
  try {
    const file = requireStoreFile(folder);
    const root = open<Uint8Array, Uint8Array>({
      path: folder,
      ...BINARY,
      overlappingSync: false,
      maxDbs: TABLES.length,
    });
    try {
      return claimed(folder, file, root);
    } catch (error) {
      // Nothing was written that would have to be waited for.
      void root.close();
      throw error;
    }
  } catch (error) {
    throw unavailable(`cannot open the store in ${folder}`, error);
  }
}

function claimed(folder: string, file: string, root: RootDatabase<Uint8Array, Uint8Array>): Database {
  const { lastPageNumber, pageSize } = statsOf(root);
  lengthenTo(file, (lastPageNumber + 1) * pageSize);
  const names = [...root.getKeys()].map((name) => Buffer.from(name as Uint8Array).toString('latin1'));
  const foreign = names.find((name) => !TABLES.some((table) => table === name));
  if (foreign !== undefined) throw new ImError('STORE_UNAVAILABLE', { message: 'it holds data of another program' });
  const tables = Object.fromEntries(TABLES.map((table) => [table, root.openDB(table, BINARY)])) as Record<Table, Bytes>;
  // A first read, which the claim needs.
  tables.meta.getBinary(Buffer.from('format'));
  return new LmdbDatabase(root, tables, claimStore(folder, root));
}

class LmdbDatabase implements Database {
  readonly #root: RootDatabase<Uint8Array, Uint8Array>;
  readonly #tables: Record<Table, Bytes>;
  readonly #release: () => void;

  constructor(root: RootDatabase<Uint8Array, Uint8Array>, tables: Record<Table, Bytes>, release: () => void) {
    this.#root = root;
    this.#tables = tables;
    this.#release = release;
  }

  get(table: Table, key: Uint8Array): Uint8Array | undefined {
    return reading(() => this.#tables[table].getBinary(key));
  }

  keys(table: Table, range: KeyRange): Uint8Array[] {
    return reading(() => [...this.#tables[table].getKeys(range)]);
  }

  *rows(table: Table, range: KeyRange): Iterable<Row> {
    try {
      yield* this.#tables[table].getRange(range);
    } catch (error) {
      throw unavailable('the store cannot be read', error);
    }
  }

  size(): number {
    const { lastPageNumber, pageSize } = statsOf(this.#root);
    return (lastPageNumber + 1) * pageSize;
  }

  async commit(write: (writes: Writes) => void): Promise<void> {
    // All or nothing: lmdb-js would commit what was queued before an exception.
    const queued: { table: Table; key: Uint8Array; value: Uint8Array | undefined }[] = [];
    write({
      put: (table, key, value) => void queued.push({ table, key, value }),
      remove: (table, key) => void queued.push({ table, key, value: undefined }),
    });
    let committed: Promise<boolean> | undefined;
    // What is queued in one turn of the event loop is one transaction, and its promises settle together.
    for (const { table, key, value } of queued) {
      committed = value === undefined ? this.#tables[table].remove(key) : this.#tables[table].put(key, value);
    }
    try {
      await committed;
    } catch (error) {
      throw await failedCommit(error);
    }
  }

  async close(): Promise<void> {
    await this.#root.close();
    this.#release();
  }
}

interface Stats {
  readonly lastPageNumber: number;
  readonly pageSize: number;
}

function statsOf(root: RootDatabase<Uint8Array, Uint8Array>): Stats {
  return root.getStats() as Stats;
}

function reading<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    throw unavailable('the store cannot be read', error);
  }
}

/** lmdb-js rejects with an error whose `commitError` is a promise that rejects with the cause. */
async function failedCommit(error: unknown): Promise<ImError> {
  let cause = error;
  try {
    await (error as { commitError?: Promise<never> }).commitError;
  } catch (commitError) {
    cause = commitError;
  }
  return FULL.test(String(cause))
    ? new ImError('STORE_FULL', { cause })
    : unavailable('the store cannot be written', cause);
}

function unavailable(what: string, cause: unknown): ImError {
  const reason = cause instanceof Error ? cause.message.trim() : String(cause);
  return new ImError('STORE_UNAVAILABLE', { message: `${what}: ${reason}`, cause });
}
