/** Owns: where workers read online lists: in Redis, or in the gateway that has them. */
import type { OnlineReader } from '@im/groups';
import type { RpcCaller } from '@im/rpc';
import type { Shutdown } from '@im/runtime';
import { createRelayedOnlineReader } from '../relay/relayed-online.js';
import type { Ports } from './engines.js';

export interface OnlineReaderOptions {
  readonly redis: string | undefined;
  readonly caller: RpcCaller;
  readonly ports: Ports;
  readonly shutdown: Shutdown;
}

/** @throws CommandError */
export async function openOnlineReader(options: OnlineReaderOptions): Promise<OnlineReader> {
  const { redis, caller, ports, shutdown } = options;
  if (redis === undefined) return createRelayedOnlineReader(caller);
  const { openPresence } = await import('./redis-engines.js');
  // It enters nobody, so its name is nowhere.
  const { online } = await openPresence(redis, 'reader', ports, shutdown);
  return online;
}
