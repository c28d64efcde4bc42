/** Two backends that push: one is on the bus itself, one pushes over HTTP to whichever gateway answers. */
import { createZeromqBroadcast } from '@im/broadcast/zeromq';
import { broadcastNodes } from '@im/cluster';
import { joinCluster } from '@im/cluster/zeromq';
import type { ImError, Lane, Position } from '@im/protocol';
import { createHttpPushClient, createPushClient, type PushClient } from '@im/push-client';
import { type Entry, EVENT } from './audience.js';
import type { Cluster } from './cluster.js';

/** refused: nothing was taken. unsure: it may have been, and repeating it is not safe. */
type Answer = { readonly position?: Position } | 'refused' | 'unsure';

export interface Backend {
  readonly name: string;
  /** Whether it waits for each answer before it sends the next of a stream. */
  readonly isPatient: boolean;
  /** One attempt, with the same id each time. @returns 'unsure' on the priority lane: send it again */
  send(group: string, lane: Lane, entry: Entry): Promise<Answer>;
  close(): Promise<void>;
}

const NOTHING_TAKEN: ReadonlySet<string> = new Set(['QUEUE_FULL', 'UNAVAILABLE', 'OVERLOADED', 'RATE_LIMITED']);

/** Learns of the broadcast nodes from the node managers. */
export async function backendOnBus(cluster: Cluster): Promise<Backend> {
  const managers = cluster.managers.map((socket) => ({
    heartbeats: `${socket}.heartbeats`,
    topology: `${socket}.topology`,
  }));
  const member = joinCluster({ managers });
  const broadcast = createZeromqBroadcast({ nodes: broadcastNodes(member) });
  const client = createPushClient({ publisher: broadcast.createPublisher() });
  await broadcast.ready(10_000);
  return {
    name: 'bus',
    isPatient: false,
    send: (group, lane, entry) => push(client, group, lane, entry),
    async close() {
      await client.close();
      await broadcast.close();
      await member.close();
    },
  };
}

/** After an error the next attempt goes to the next gateway. */
export async function backendOverHttp(cluster: Cluster): Promise<Backend> {
  const token = await cluster.pushToken();
  const clients = cluster.gateways.map((origin) =>
    createHttpPushClient({ url: `${origin}/v1/push`, token, retries: 0, timeoutMs: 12_000 }),
  );
  let at = 0;
  return {
    name: 'http',
    isPatient: true,
    async send(group, lane, entry) {
      const answer = await push(clients[at % clients.length] as PushClient, group, lane, entry);
      if (answer === 'refused' || answer === 'unsure') at += 1;
      return answer;
    },
    close: async () => void (await Promise.all(clients.map((client) => client.close()))),
  };
}

async function push(client: PushClient, group: string, lane: Lane, entry: Entry): Promise<Answer> {
  const [stream, number] = entry;
  try {
    const { epoch, version } = await client.toGroup(group, {
      event: EVENT,
      data: entry,
      lane,
      id: `${stream}-${number}`,
    });
    return epoch === undefined || version === undefined ? {} : { position: { epoch, version } };
  } catch (error) {
    return NOTHING_TAKEN.has((error as ImError).name) ? 'refused' : 'unsure';
  }
}
