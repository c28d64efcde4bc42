/** Owns: where a broadcast node has its logs: in Redis, or in its process, which then serves them, and the records beside them. */
import path from 'node:path';
import { createZeromqRpc } from '@im/rpc/zeromq';
import { type Config, openDataFolder, type Shutdown } from '@im/runtime';
import type { LogStore } from '@im/timeline';
import { nodeAddressesOf } from '../bus/node-address.js';
import { ownVersion } from '../own-version.js';
import { serveLog } from '../relay/serve-log.js';
import { serveRecords } from '../relay/serve-records.js';
import { type brokerSettings, expectBrokers, findBrokers } from '../rpc/broker-place.js';
import type { dataFolder, redis } from '../settings.js';
import { openLogs, type Ports } from './engines.js';

interface NodeLogsConfig
  extends Config<typeof brokerSettings & { dataFolder: typeof dataFolder; redis: typeof redis }> {
  /** The node's address. */
  readonly listen: string;
}

export interface NodeLogs {
  readonly log: LogStore;
  /** For people. */
  readonly place: string;
  /** Settles when readers can reach them. */
  serve(): Promise<void>;
}

/** @throws ImError STORE_UNAVAILABLE, CONFIG_INVALID, DataFolderError, CommandError */
export async function openNodeLogs(config: NodeLogsConfig, ports: Ports, shutdown: Shutdown): Promise<NodeLogs> {
  if (config.redis !== undefined) {
    const { openSharedLogs } = await import('./redis-engines.js');
    const log = await openSharedLogs(config.redis, nodeAddressesOf(config.listen).id, ports, shutdown);
    return { log, place: 'Redis', serve: async () => {} };
  }
  const { names, place } = await findBrokers(config);
  const folder = await openDataFolder(config.dataFolder);
  shutdown.add({ name: 'data folder', stop: () => folder.close() });
  // Whoever supervises starts the node again, and that opens the store again.
  const onFailed = (): void => void shutdown.stop('the store failed', 1);
  const { log, records } = await openLogs({ path: folder.file('log'), onFailed }, ports);
  shutdown.add({ name: 'logs', stop: () => log.close() });
  const rpc = createZeromqRpc({ ...place, clock: ports.clock, logger: ports.logger });
  shutdown.add({ name: 'rpc', stop: () => rpc.close() });
  return {
    log,
    place: path.resolve(config.dataFolder),
    async serve() {
      const [worker, version] = [rpc.createWorker(), ownVersion()];
      const serving = Promise.all([serveLog({ worker, log, version }), serveRecords({ worker, records, version })]);
      const served = await expectBrokers(names, ports.logger, serving);
      for (const each of served) shutdown.add({ name: 'log readers', stop: () => each.close() });
    },
  };
}
