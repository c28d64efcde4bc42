/** Serves the online list of this process to those in others that read it. */
import type { OnlineReader } from '@im/groups';
import { implementService, type RpcWorker } from '@im/rpc';
import { relayOnline } from './relay-contract.js';

export interface OnlineService {
  readonly worker: RpcWorker;
  readonly online: OnlineReader;
  readonly version: string;
}

/** Settles when it can be reached; closing answers the calls it has. */
export async function serveOnline({ worker, online, version }: OnlineService): Promise<{ close(): Promise<void> }> {
  const service = implementService(
    relayOnline,
    {
      $count: (group) => online.count(group),
      $has: ({ group, user }) => online.has(group, user),
      $page: async ({ group, limit, cursor }) => {
        const page = await online.page(group, cursor === undefined ? { limit } : { limit, cursor });
        return { members: [...page.members], cursor: page.cursor };
      },
    },
    { version },
  );
  const registration = await worker.serve(service);
  return { close: () => registration.drain() };
}
