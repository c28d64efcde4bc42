/** Of `im`: engines that several gateways may share, a worker that lets everyone into the room they ask for, the push endpoint. */
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { createMemoryBroadcast } from '@im/broadcast/memory';
import { createGateway, type Gateway, type GatewayOptions } from '@im/gateway';
import { createMemoryOnlineList } from '@im/groups';
import { EFFECTS_HEADER, type Effect, ImError, roomGroup } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import { type Metrics, noMetrics } from '@im/protocol/ports';
import { createPushClient } from '@im/push-client';
import { createPushEndpoint } from '@im/push-client/endpoint';
import { decodeJson, encodeJson } from '@im/rpc';
import { createMemoryRpc } from '@im/rpc/memory';
import type { LogStore } from '@im/timeline';
import { createMemoryLogStore } from '@im/timeline/memory';

/** Short, so that what a lost session keeps is gone soon after the last connection. */
const SESSION_TTL_MS = 250;

export interface Composition {
  /** Of the push endpoint. */
  readonly token: string;
  /** What the last gateway holds. */
  figures(): Readonly<Record<string, number>>;
  /** One more gateway, and a server of its own that does not listen yet. @param options those that differ */
  addGateway(node: string, options?: Partial<GatewayOptions>): { readonly gateway: Gateway; readonly server: Server };
}

/** @param log default: in memory */
export async function compose(log: LogStore = createMemoryLogStore()): Promise<Composition> {
  const figures = new Map<string, () => number>();
  const metrics: Metrics = {
    ...noMetrics,
    observe: (name, _, read) => void figures.set(name, read),
    counter(name, { labels = {} }) {
      let value = 0;
      figures.set([name, ...Object.values(labels)].join(' '), () => value);
      return {
        add: (count = 1) => {
          value += count;
        },
      };
    },
  };
  const clock = systemClock;
  const broadcast = createMemoryBroadcast({ sequencer: log, clock });
  const rpc = createMemoryRpc({ clock });
  const online = createMemoryOnlineList();
  const ticketKeys = [{ id: 'k1', secret: randomBytes(32).toString('base64') }];
  await rpc.createWorker().serve({
    name: 'bench',
    version: '1',
    methods: ['enter'],
    handle({ body }) {
      const { room } = decodeJson(body) as { room: string };
      const effects: Effect[] = [{ type: 'join', group: roomGroup(room) }];
      return Promise.resolve({ body: encodeJson({}), headers: { [EFFECTS_HEADER]: effects } });
    },
  });
  const token = randomBytes(24).toString('base64url');
  const push = createPushEndpoint({
    client: createPushClient({ publisher: broadcast.createPublisher() }),
    tokens: [token],
  });
  return {
    token,
    figures: () => Object.fromEntries([...figures].map(([name, read]) => [name, read()])),
    addGateway(node, options) {
      const gateway = createGateway({
        node,
        verifier: {
          verify: (token) =>
            token.startsWith('viewer-')
              ? Promise.resolve({ user: token, claims: {} })
              : Promise.reject(new ImError('UNAUTHORIZED')),
        },
        rpc: rpc.createCaller(),
        ...{ broadcast, log, online, ticketKeys },
        sessionTtlMs: SESSION_TTL_MS,
        ...options,
        metrics,
      });
      const server = createServer((request, response) => {
        push(request, response).then(
          (taken) => taken || response.writeHead(404).end(),
          () => response.destroy(),
        );
      });
      gateway.attach(server, { path: '/', origins: 'any' });
      return { gateway, server };
    },
  };
}
