/**
 * The `lmdb` package behind the {@link Database} port. Owns the files, their transactions and how errors are told.
 *
 * Flushing: without `overlappingSync`, LMDB commits as it was designed to: pages written, fdatasync, then the meta page
 * through a descriptor opened with O_DSYNC. lmdb-js does all of that on a thread of its own and settles its promises
 * afterwards; with `overlappingSync`, its default, they settle at the commit, and the flush follows.
 */
import { statfsSync } from 'node:fs';
import path from 'node:path';
import { ImError } from '@im/protocol';
import { type Database as LmdbTable, open, type RootDatabase } from 'lmdb';
import type { Database, KeyRange, Row, Table, Writes } from './database.js';
import { claimStore, requireSoleProcess } from './store-claim.js';
import { lengthenTo, requireStoreFile, syncFolders } from './store-file.js';

type Tables = Record<Table, LmdbTable<Uint8Array, Uint8Array>>;
/** Its keys are the names of tables. */
type Root = RootDatabase<Uint8Array, string>;

const TABLES: readonly Table[] = ['journal', 'entries', 'ids', 'bodies', 'records', 'meta'];
const BINARY = { encoding: 'binary', keyEncoding: 'binary' } as const;

/** How lmdb-js, which has no codes for most errors, says that there was no room; nothing was changed then. */
const FULL = /MDB_MAP_FULL|MDB_TXN_FULL|No space left on device|Disk quota exceeded|File too large/;
/** A write that the disk took only a part of is an "Input/output error" to LMDB: then this little is left. */
const LITTLE_ROOM = 1_048_576;

/**
 * Opens the files in a folder, which is made if need be, for this process alone.
 * @throws ImError STORE_UNAVAILABLE with one line that says why
 */
export function openLmdbDatabase(folder: string): Database {
  let release: (() => void) | undefined;
  let root: Root | undefined;
  try {
    const file = requireStoreFile(folder);
    release = claimStore(folder);
    root = open<Uint8Array, string>({
      path: folder,
      // Also where the folder's name has a dot.
      noSubdir: false,
      encoding: 'binary',
      maxDbs: TABLES.length,
      overlappingSync: false,
      // Transactions are made here, whole. The automatic ones reject promises that nobody holds when a commit fails.
      eventTurnBatching: false,
    });
    const { lastPageNumber, pageSize } = statsOf(root);
    lengthenTo(file, (lastPageNumber + 1) * pageSize);
    // The files may be new.
    syncFolders(path.resolve(folder), path.resolve(folder));
    const tables = openTables(root);
    // A first read, by which other processes see this one.
    tables.meta.getBinary(Buffer.from('format'));
    requireSoleProcess(root);
    return new LmdbDatabase(root, tables, folder, release);
  } catch (error) {
    // Nothing was written that would have to be waited for.
    void root?.close();
    release?.();
    throw unavailable(`cannot open the store in ${folder}`, error);
  }
}

function openTables(root: Root): Tables {
  const foreign = [...root.getKeys()].find((name) => !TABLES.some((table) => table === name));
  if (foreign !== undefined) throw new ImError('STORE_UNAVAILABLE', { message: 'it holds data of another program' });
  return Object.fromEntries(
    TABLES.map((table) => [table, root.openDB<Uint8Array, Uint8Array>(table, BINARY)]),
  ) as Tables;
}

class LmdbDatabase implements Database {
  readonly #root: Root;
  readonly #tables: Tables;
  readonly #folder: string;
  readonly #release: () => void;
  #closed = false;

  constructor(root: Root, tables: Tables, folder: string, release: () => void) {
    this.#root = root;
    this.#tables = tables;
    this.#folder = folder;
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
    if (this.#closed) return 0;
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
    if (queued.length === 0) return;
    try {
      await this.#root.batch(() => {
        for (const { table, key, value } of queued) {
          if (value === undefined) void this.#tables[table].remove(key);
          else void this.#tables[table].put(key, value);
        }
      });
    } catch (error) {
      throw await this.#failedCommit(error);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#root.close();
    this.#release();
  }

  /** lmdb-js rejects with an error whose `commitError` is a promise that rejects with the cause. */
  async #failedCommit(error: unknown): Promise<ImError> {
    let cause = error;
    try {
      await (error as { commitError?: Promise<never> }).commitError;
    } catch (commitError) {
      cause = commitError;
    }
    const full = FULL.test(String(cause)) || freeBytes(this.#folder) < LITTLE_ROOM;
    return full ? new ImError('STORE_FULL', { cause }) : unavailable('the store cannot be written', cause);
  }
}

interface Stats {
  readonly lastPageNumber: number;
  readonly pageSize: number;
}

function statsOf(root: Root): Stats {
  return root.getStats() as Stats;
}

function reading<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    throw unavailable('the store cannot be read', error);
  }
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

function unavailable(what: string, cause: unknown): ImError {
  const reason = cause instanceof Error ? cause.message.trim() : String(cause);
  return new ImError('STORE_UNAVAILABLE', { message: `${what}: ${reason}`, cause });
}
