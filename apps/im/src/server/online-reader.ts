/** Owns: where workers read online lists, and who is connected: in Redis, or in the gateway that knows. */
import type { UserReader } from '@im/gateway';
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
export async function openOnlineReader(
  options: OnlineReaderOptions,
): Promise<{ online: OnlineReader; users: UserReader }> {
  const { redis, caller, ports, shutdown } = options;
  if (redis === undefined) {
    const reader = createRelayedOnlineReader(caller);
    return { online: reader, users: reader };
  }
  const { openPresence } = await import('./redis-engines.js');
  // It enters nobody, so its name is nowhere.
  return openPresence(redis, 'reader', ports, shutdown);
}
