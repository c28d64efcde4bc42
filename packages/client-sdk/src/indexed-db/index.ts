/**
 * Positions in the page's IndexedDB, entry point `@im/client-sdk/indexed-db`: like those in localStorage, for pages with
 * many groups and for workers, which have no localStorage. Nothing waits for the disk.
 */
import type { Positions } from '@im/protocol';
import type { PositionStore } from '../options.js';
import { latestWrites } from '../positions/latest-writes.js';
import { readPositions } from '../positions/read-positions.js';
import { reportToPlatform } from '../report-to-platform.js';

const TABLE = 'positions';

/**
 * A position is written soon after the listeners had the message; when the page ends before that, the message is brought again.
 * Writes that fail go to the page's `error` event, and are tried again with the next position.
 * @param name of a database of its own: of one user on one device, such as `im:ann:phone-1`
 * @param factory default: the page's `indexedDB`
 */
export function indexedDbPositions(name: string, factory: IDBFactory = indexedDB): PositionStore {
  let opened: Promise<IDBDatabase> | undefined;

  function open(): Promise<IDBDatabase> {
    opened ??= new Promise<IDBDatabase>((resolve, reject) => {
      const request = factory.open(name, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(TABLE);
      request.onerror = () => reject(request.error ?? new Error('the database was not opened'));
      request.onsuccess = () => {
        const database = request.result;
        // Somebody deletes it, or the browser does: the next access opens it again.
        database.onversionchange = () => {
          database.close();
          opened = undefined;
        };
        database.onclose = () => {
          opened = undefined;
        };
        resolve(database);
      };
    }).catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  }

  /** Settles when everything that `act` asked for is done, or none of it. */
  async function transact<T>(mode: IDBTransactionMode, act: (table: IDBObjectStore) => () => T): Promise<T> {
    const transaction = (await open()).transaction(TABLE, mode);
    return await new Promise((resolve, reject) => {
      const result = act(transaction.objectStore(TABLE));
      transaction.oncomplete = () => resolve(result());
      transaction.onabort = () => reject(transaction.error ?? new Error('the transaction was aborted'));
    });
  }

  return {
    load: () =>
      transact('readonly', (table): (() => Positions) => {
        const [groups, positions] = [table.getAllKeys(), table.getAll()];
        return () => readPositions(Object.fromEntries(groups.result.map((group, at) => [group, positions.result[at]])));
      }),
    save: latestWrites(
      (changes) =>
        transact('readwrite', (table) => {
          for (const [group, position] of changes) {
            if (position) table.put(position, group);
            else table.delete(group);
          }
          return () => undefined;
        }),
      reportToPlatform,
    ),
  };
}
