/** An online list that is kept in another process, read by RPC. */
import type { OnlinePage, OnlineReader } from '@im/groups';
import { ImError } from '@im/protocol';
import { createServiceClient, type RpcCaller } from '@im/rpc';
import { relayOnline } from './relay-contract.js';

/** @param caller stays yours to close */
export function createRelayedOnlineReader(caller: RpcCaller): OnlineReader {
  const online = createServiceClient(relayOnline, caller);
  return {
    count: (group) => online.$count(group),
    has: (group, user) => online.$has({ group, user }),
    async page(group, options) {
      // JSON would make null of what is no number.
      if (!Number.isFinite(options.limit)) throw new ImError('INVALID_ARGUMENT', { details: { argument: 'limit' } });
      return (await online.$page({ group, ...options })) as OnlinePage;
    },
  };
}
