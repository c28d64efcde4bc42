/** What is read in another process keeps every promise of what it stands for. */
import { createMemoryOnlineList, type OnlineList } from '@im/groups';
import { describeOnlineListContract } from '@im/groups/testing';
import { createMemoryRpc } from '@im/rpc/memory';
import type { LogStore } from '@im/timeline';
import { createMemoryLogStore, createMemoryRecordStore } from '@im/timeline/memory';
import { describeLogStoreContract, describeRecordStoreContract } from '@im/timeline/testing';
import { createRelayedLogReader } from './relayed-log.js';
import { createRelayedOnlineReader } from './relayed-online.js';
import { createRelayedRecords } from './relayed-records.js';
import { serveLog } from './serve-log.js';
import { serveOnline } from './serve-online.js';
import { serveRecords } from './serve-records.js';

describeLogStoreContract('relayed', async ({ retention, clock }): Promise<LogStore> => {
  const log = createMemoryLogStore({ retention, clock });
  const rpc = createMemoryRpc();
  const served = await serveLog({ worker: rpc.createWorker(), log, version: '1' });
  return {
    ...createRelayedLogReader(rpc.createCaller()),
    append: (group, entry) => log.append(group, entry),
    appendMany: (groups, entry) => log.appendMany(groups, entry),
    async close() {
      await served.close();
      await rpc.close();
      await log.close();
    },
  };
});

describeRecordStoreContract('relayed', async () => {
  const rpc = createMemoryRpc();
  const served = await serveRecords({ worker: rpc.createWorker(), records: createMemoryRecordStore(), version: '1' });
  const close = async (): Promise<void> => {
    await served.close();
    await rpc.close();
  };
  return { records: createRelayedRecords(rpc.createCaller()), close };
});

describeOnlineListContract('relayed', async () => {
  const list = createMemoryOnlineList({});
  const rpc = createMemoryRpc();
  const users = { sessionsOf: async () => [] };
  const served = await serveOnline({ worker: rpc.createWorker(), online: list, users, version: '1' });
  const relayed: OnlineList = {
    ...createRelayedOnlineReader(rpc.createCaller()),
    enter: (group, session, member) => list.enter(group, session, member),
    leave: (group, session) => list.leave(group, session),
  };
  const close = async (): Promise<void> => {
    await served.close();
    await rpc.close();
  };
  return { list: relayed, settled: async () => {}, close };
});
