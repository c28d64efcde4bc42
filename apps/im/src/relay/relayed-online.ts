/** An online list that is kept in another process, and who is connected there, read by RPC. */
import type { UserReader } from '@im/gateway';
import type { OnlinePage, OnlineReader } from '@im/groups';
import { ImError } from '@im/protocol';
import { createServiceClient, type RpcCaller } from '@im/rpc';
import { relayOnline } from './relay-contract.js';

/** @param caller stays yours to close */
export function createRelayedOnlineReader(caller: RpcCaller): OnlineReader & UserReader {
  const online = createServiceClient(relayOnline, caller);
  return {
    count: (group) => online.$count(group),
    has: (group, user) => online.$has({ group, user }),
    sessionsOf: (userGroup) => online.$sessions(userGroup),
    async page(group, options) {
      // JSON would make null of what is no number.
      if (!Number.isFinite(options.limit)) throw new ImError('INVALID_ARGUMENT', { details: { argument: 'limit' } });
      return (await online.$page({ group, ...options })) as OnlinePage;
    },
  };
}
