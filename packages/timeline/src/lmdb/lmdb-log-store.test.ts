import { retentionByGroup } from '../retention.js';
import { describeLogStoreContract } from '../testing/log-store-contract.js';
import { describeRecordStoreContract } from '../testing/record-store-contract.js';
import { useStoreFolders } from './fixtures/store-folder.js';

const folders = useStoreFolders();

// Entries read from the journal, and from rows, which every commit moves some entries to.
for (const [name, checkpointFrom] of [
  ['lmdb, from the journal', 8_192],
  ['lmdb, from rows', 1],
] as const) {
  describeLogStoreContract(name, async ({ retention, clock }) => {
    const retentionOf = retentionByGroup(retention);
    const { store } = await folders.open(folders.folder(), { retentionOf, clock, maxIdleLogs: 2, checkpointFrom });
    return store;
  });
}

describeRecordStoreContract('lmdb', async () => {
  const { store } = await folders.open(folders.folder());
  return { records: store.records, close: () => store.close() };
});
