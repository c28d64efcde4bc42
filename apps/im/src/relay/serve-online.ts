/** Serves the online list of this process, and who is connected to it, to those in others that read it. */
import type { UserReader } from '@im/gateway';
import type { OnlineReader } from '@im/groups';
import { implementService, type RpcWorker } from '@im/rpc';
import { relayOnline } from './relay-contract.js';

export interface OnlineService {
  readonly worker: RpcWorker;
  readonly online: OnlineReader;
  readonly users: UserReader;
  readonly version: string;
}

/** Settles when it can be reached; closing answers the calls it has. */
export async function serveOnline({
  worker,
  online,
  users,
  version,
}: OnlineService): Promise<{ close(): Promise<void> }> {
  const service = implementService(
    relayOnline,
    {
      $count: (group) => online.count(group),
      $has: ({ group, user }) => online.has(group, user),
      $page: async ({ group, limit, cursor }) => {
        const page = await online.page(group, cursor === undefined ? { limit } : { limit, cursor });
        return { members: [...page.members], cursor: page.cursor };
      },
      $sessions: async (userGroup) => [...(await users.sessionsOf(userGroup))],
    },
    { version },
  );
  const registration = await worker.serve(service);
  return { close: () => registration.drain() };
}
