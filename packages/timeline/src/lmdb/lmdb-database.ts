/**
 * The `lmdb` package behind the {@link Database} port. Owns the files, their transactions and how errors are told.
 *
 * Flushing: without `overlappingSync`, LMDB commits as it was designed to: pages written, fdatasync, then the meta page
 * through a descriptor opened with O_DSYNC. lmdb-js does all of that on a thread of its own and settles its promises
 * afterwards; with `overlappingSync`, its default, they settle at the commit, and the flush follows.
 */
import { accessSync, constants, statfsSync } from 'node:fs';
import path from 'node:path';
import { ImError } from '@im/protocol';
import { type Database as LmdbTable, open, type RootDatabase } from 'lmdb';
import type { Database, KeyRange, Row, Table, Writes } from './database.js';
import { FileRoom } from './file-room.js';
import { claimStore, requireSoleProcess } from './store-claim.js';
import { flushFile, identityOf, lengthenTo, requireStoreFile, storeFile, syncFolders } from './store-file.js';

type Tables = Record<Table, LmdbTable<Uint8Array, Uint8Array>>;
/** Its keys are the names of tables. */
type Root = RootDatabase<Uint8Array, string>;

const TABLES: readonly Table[] = ['journal', 'entries', 'ids', 'bodies', 'records', 'meta'];
const BINARY = { encoding: 'binary', keyEncoding: 'binary' } as const;

/** How Node, and lmdb-js, which has no codes for most errors, say that there was no room; nothing was changed then. */
const FULL = /MDB_MAP_FULL|MDB_TXN_FULL|No space left on device|Disk quota exceeded|File too large|ENOSPC|EDQUOT|EFBIG/;
/**
 * How lmdb-js tells of a page that could not be written. It does so in a buffer that is too short for it, so that other things in memory may
 * be overwritten by then: the process may go on, hang or be aborted.
 */
const DAMAGING = /Attempting to write page/;
/** A write that the disk took only a part of is an "Input/output error" to LMDB: then this little is left. */
const LITTLE_ROOM = 1_048_576;
/** What a transaction may add to the file beside its values: pages that it copies, and its lists of free pages. */
const ROOM_OF_TRANSACTION = 65_536;
/** A leaf, and as often as not a branch above it and an overflow page. */
const ROOM_OF_WRITE = 12_288;

/**
 * Opens the files in a folder, which is made if need be, for this process alone.
 * @throws ImError STORE_UNAVAILABLE with one line that says why
 */
export function openLmdbDatabase(folder: string): Database {
  let release: (() => void) | undefined;
  try {
    requireStoreFile(folder);
    release = claimStore(folder);
    return new LmdbDatabase(folder, release);
  } catch (error) {
    release?.();
    throw unavailable(`cannot open the store in ${folder}`, error);
  }
}

interface Files {
  readonly root: Root;
  readonly tables: Tables;
}

function openFiles(folder: string): Files {
  const file = requireStoreFile(folder);
  const root = open<Uint8Array, string>({
    path: folder,
    // Also where the folder's name has a dot.
    noSubdir: false,
    encoding: 'binary',
    maxDbs: TABLES.length,
    overlappingSync: false,
    // Transactions are made here, whole. The automatic ones reject promises that nobody holds when a commit fails.
    eventTurnBatching: false,
  });
  try {
    const { lastPageNumber, pageSize } = statsOf(root);
    lengthenTo(file, (lastPageNumber + 1) * pageSize);
    // The files may be new.
    syncFolders(path.resolve(folder), path.resolve(folder));
    const tables = openTables(root);
    // A first read, by which other processes see this one.
    tables.meta.getBinary(Buffer.from('format'));
    requireSoleProcess(root);
    return { root, tables };
  } catch (error) {
    // Nothing was written that would have to be waited for.
    void root.close();
    throw error;
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
  readonly #folder: string;
  readonly #file: string;
  /** Of the file that was opened first: another one under its name is another store. */
  readonly #identity: string;
  readonly #release: () => void;
  readonly #room: FileRoom;
  #isBroken = false;
  /** Undefined: they could not be opened again, or the database is closed. */
  #files: Files | undefined;

  constructor(folder: string, release: () => void) {
    this.#folder = folder;
    this.#file = storeFile(folder);
    this.#release = release;
    this.#files = openFiles(folder);
    this.#identity = identityOf(this.#file);
    this.#room = new FileRoom(this.#file, () => this.size());
  }

  get isBroken(): boolean {
    return this.#isBroken;
  }

  get(table: Table, key: Uint8Array): Uint8Array | undefined {
    return reading(() => this.#open.tables[table].getBinary(key));
  }

  keys(table: Table, range: KeyRange): Uint8Array[] {
    return reading(() => [...this.#open.tables[table].getKeys(range)]);
  }

  *rows(table: Table, range: KeyRange): Iterable<Row> {
    try {
      yield* this.#open.tables[table].getRange(range);
    } catch (error) {
      throw unavailable('the store cannot be read', error);
    }
  }

  size(): number {
    if (this.#files === undefined) return 0;
    const { lastPageNumber, pageSize } = statsOf(this.#files.root);
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
    const bytes = queued.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
    await this.#makeRoom(bytes + queued.length * ROOM_OF_WRITE + ROOM_OF_TRANSACTION);
    const { root, tables } = this.#open;
    try {
      await root.batch(() => {
        for (const { table, key, value } of queued) {
          if (value === undefined) void tables[table].remove(key);
          else void tables[table].put(key, value);
        }
      });
    } catch (error) {
      throw await this.#failedCommit(error);
    }
  }

  async reopen(): Promise<void> {
    try {
      // What the failed commit left in memory must reach the disk, or be known not to, before anything is built on it.
      await flushFile(this.#file);
      if (identityOf(this.#file) !== this.#identity) {
        throw new ImError('STORE_UNAVAILABLE', { message: 'another file lies in its place' });
      }
      // LMDB never begins a transaction again after it failed to write its meta page, and lmdb-js then hangs.
      const closed = this.#files?.root.close();
      this.#files = undefined;
      this.#files = openFiles(this.#folder);
      await closed;
    } catch (error) {
      throw unavailable('the store cannot be opened again', error);
    }
  }

  async close(): Promise<void> {
    const files = this.#files;
    this.#files = undefined;
    await files?.root.close();
    this.#release();
  }

  get #open(): Files {
    if (this.#files === undefined) throw new ImError('STORE_UNAVAILABLE', { message: 'its files are not open' });
    return this.#files;
  }

  async #makeRoom(bytes: number): Promise<void> {
    try {
      // Fails when the file system has become read-only, which LMDB must not find out by itself either.
      accessSync(this.#file, constants.W_OK);
      await this.#room.take(bytes);
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /** lmdb-js rejects with an error whose `commitError` is a promise that rejects with the cause. */
  async #failedCommit(error: unknown): Promise<ImError> {
    let cause = error;
    try {
      await (error as { commitError?: Promise<never> }).commitError;
    } catch (commitError) {
      cause = commitError;
    }
    return this.#failed(cause);
  }

  #failed(cause: unknown): ImError {
    this.#isBroken ||= DAMAGING.test(String(cause));
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
