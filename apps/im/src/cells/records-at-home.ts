/** Owns: which cell keeps which records: the home of their owner, where its log is. */
import type { Homes } from '@im/broadcast/bridge';
import { ImError } from '@im/protocol';
import type { RecordStore } from '@im/timeline';

/**
 * No record is ever looked for, or written, elsewhere.
 * @param cells of every cell that is a home
 * @throws by each call, ImError STORE_UNAVAILABLE where a cell is not among them
 */
export function recordsAtHome(homes: Homes, cells: ReadonlyMap<string, RecordStore>): RecordStore {
  async function at(owner: string): Promise<RecordStore> {
    const home = homes.homeOf(owner);
    const records = cells.get(home);
    if (records === undefined) {
      throw new ImError('STORE_UNAVAILABLE', { message: `the records of cell ${home} cannot be reached from here` });
    }
    return records;
  }
  return {
    get: async (owner, fields) => (await at(owner)).get(owner, fields),
    page: async (owner, range) => (await at(owner)).page(owner, range),
    write: async (owner, changes) => (await at(owner)).write(owner, changes),
  };
}
