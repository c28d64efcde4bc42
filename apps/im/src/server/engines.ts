/** Owns: the engines that one process embeds. Others, between processes, stand behind the same interfaces. */
import type { Broadcast } from '@im/broadcast';
import { createMemoryBroadcast } from '@im/broadcast/memory';
import type { UserRegister } from '@im/gateway';
import { createMemoryOnlineList, type OnlineList } from '@im/groups';
import type { ImError } from '@im/protocol';
import type { Clock, Logger, Metrics } from '@im/protocol/ports';
import { openDataFolder, type Shutdown } from '@im/runtime';
import { type LogReader, type LogStore, type RecordStore, routeLogStores } from '@im/timeline';
import { openLmdbLogStore } from '@im/timeline/lmdb';
import { createMemoryLogStore } from '@im/timeline/memory';
import { ROOMS, STORED } from './retention.js';

export interface Engines {
  readonly log: LogReader;
  readonly records: RecordStore;
  readonly broadcast: Broadcast;
  readonly online: OnlineList;
  /** Where there are several gateways. */
  readonly users?: UserRegister;
}

export interface LogsOptions {
  /** Folder of the durable logs. */
  readonly path: string;
  /** Told once, when nothing durable can be written until the process is started again. */
  readonly onFailed: (error: ImError) => void;
}

export interface Ports {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

interface EmbeddedOptions {
  readonly dataFolder: string;
  readonly ports: Ports;
  readonly shutdown: Shutdown;
  readonly onStoreFailed: (error: ImError) => void;
}

/** @throws ImError STORE_UNAVAILABLE, DataFolderError */
export async function openEmbedded({ dataFolder, ports, shutdown, onStoreFailed }: EmbeddedOptions): Promise<Engines> {
  const folder = await openDataFolder(dataFolder);
  shutdown.add({ name: 'data folder', stop: () => folder.close() });
  const { log, records } = await openLogs({ path: folder.file('log'), onFailed: onStoreFailed }, ports);
  shutdown.add({ name: 'logs', stop: () => log.close() });
  const broadcast = createMemoryBroadcast({ sequencer: log, ...ports });
  shutdown.add({ name: 'broadcast', stop: () => broadcast.close() });
  return { log, records, broadcast, online: createMemoryOnlineList({ metrics: ports.metrics }) };
}

export interface OpenLogs {
  readonly log: LogStore;
  readonly records: RecordStore;
}

/**
 * Logs of rooms live in memory, and begin anew with the process; all others are on disk before they are acknowledged.
 * @throws ImError STORE_UNAVAILABLE
 */
export async function openLogs(logs: LogsOptions, ports: Ports): Promise<OpenLogs> {
  const durable = await openLmdbLogStore({ ...logs, retention: STORED, ...ports });
  const rooms = createMemoryLogStore({ retention: { default: ROOMS }, ...ports });
  return { log: routeLogStores({ default: durable, kinds: { r: rooms } }), records: durable.records };
}
