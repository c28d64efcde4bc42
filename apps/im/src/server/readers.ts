/** Owns: where workers read logs and online lists: in Redis, or in the processes that have them. */
import type { OnlineReader } from '@im/groups';
import type { RpcCaller } from '@im/rpc';
import type { Shutdown } from '@im/runtime';
import type { LogReader } from '@im/timeline';
import { createRelayedLogReader } from '../relay/relayed-log.js';
import { createRelayedOnlineReader } from '../relay/relayed-online.js';
import type { Ports } from './engines.js';

export interface ReadersOptions {
  readonly redis: string | undefined;
  readonly caller: RpcCaller;
  readonly ports: Ports;
  readonly shutdown: Shutdown;
}

export interface Readers {
  readonly log: LogReader;
  readonly online: OnlineReader;
}

/** @throws ImError STORE_UNAVAILABLE, CONFIG_INVALID */
export async function openReaders({ redis, caller, ports, shutdown }: ReadersOptions): Promise<Readers> {
  if (redis === undefined) return { log: createRelayedLogReader(caller), online: createRelayedOnlineReader(caller) };
  const { openLogReader, openPresence } = await import('./redis-engines.js');
  const log = await openLogReader(redis, ports, shutdown);
  // It enters nobody, so its name is nowhere.
  const { online } = await openPresence(redis, 'reader', ports, shutdown);
  return { log, online };
}
