/** Owns: which cell keeps what of a group: its home, for its log and for the records that it owns. */
import type { Homes } from '@im/broadcast/bridge';
import { ImError } from '@im/protocol';
import type { LogReader, RecordStore } from '@im/timeline';

/**
 * No log is ever read elsewhere, where it would seem to be empty.
 * @param cells of every cell that is a home
 * @throws by each call, ImError STORE_UNAVAILABLE where a cell is not among them
 */
export function logsAtHome(homes: Homes, cells: ReadonlyMap<string, LogReader>): LogReader {
  const at = found('logs', homes, cells);
  return {
    head: async (group) => at(group).head(group),
    read: async (group, range) => at(group).read(group, range),
  };
}

/** The same of records, which are written nowhere else either. */
export function recordsAtHome(homes: Homes, cells: ReadonlyMap<string, RecordStore>): RecordStore {
  const at = found('records', homes, cells);
  return {
    get: async (owner, fields) => at(owner).get(owner, fields),
    page: async (owner, range) => at(owner).page(owner, range),
    write: async (owner, changes) => at(owner).write(owner, changes),
  };
}

function found<Store>(what: string, homes: Homes, cells: ReadonlyMap<string, Store>): (group: string) => Store {
  return (group) => {
    const home = homes.homeOf(group);
    const store = cells.get(home);
    if (store !== undefined) return store;
    throw new ImError('STORE_UNAVAILABLE', { message: `the ${what} of cell ${home} cannot be reached from here` });
  };
}
