/** Of `im`: one gateway on engines of memory or of Redis, a worker that lets everyone into the room they ask for, the push endpoint. */
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { Broadcast } from '@im/broadcast';
import { createMemoryBroadcast } from '@im/broadcast/memory';
import { createRedisBroadcast } from '@im/broadcast/redis';
import { createGateway, type Gateway, type GatewayOptions } from '@im/gateway';
import { createMemoryOnlineList } from '@im/groups';
import { EFFECTS_HEADER, type Effect, ImError, roomGroup } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import { type Metrics, noMetrics } from '@im/protocol/ports';
import { createPushClient } from '@im/push-client';
import { createPushEndpoint } from '@im/push-client/endpoint';
import { decodeJson, encodeJson } from '@im/rpc';
import { createMemoryRpc } from '@im/rpc/memory';
import type { LogReader, LogStore } from '@im/timeline';
import { createMemoryLogStore } from '@im/timeline/memory';
import { createRedisLogStore } from '@im/timeline/redis';
import { HOST } from '../../src/harness/host.js';

/** Short, so that what a lost session keeps is gone soon after the last connection. */
const SESSION_TTL_MS = 250;

export interface Composition {
  readonly gateway: Gateway;
  /** Does not listen yet. */
  readonly server: Server;
  /** Of the push endpoint. */
  readonly token: string;
  /** What the gateway holds. */
  figures(): Readonly<Record<string, number>>;
}

interface Engines {
  readonly broadcast: Broadcast;
  readonly log: LogReader;
}

const clock = systemClock;

/** @param log default: in memory, too */
export function inMemory(log: LogStore = createMemoryLogStore({ clock })): Engines {
  return { log, broadcast: createMemoryBroadcast({ sequencer: log, clock }) };
}

export async function onRedis(port: number): Promise<Engines> {
  const url = `redis://${HOST}:${port}`;
  const log = createRedisLogStore({ url });
  await log.ready();
  return { log, broadcast: await createRedisBroadcast({ redis: url, sequencer: log, clock }) };
}

/** @param options of the gateway, those that differ */
export async function compose(
  node: string,
  { broadcast, log }: Engines,
  options: Partial<GatewayOptions> = {},
): Promise<Composition> {
  const { metrics, figures } = recorder();
  const rpc = createMemoryRpc({ clock });
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
  const gateway = createGateway({
    node,
    verifier: {
      verify: (token) =>
        token.startsWith('viewer-')
          ? Promise.resolve({ user: token, claims: {} })
          : Promise.reject(new ImError('UNAUTHORIZED')),
    },
    rpc: rpc.createCaller(),
    ...{ broadcast, log, online: createMemoryOnlineList() },
    ticketKeys: [{ id: 'k1', secret: randomBytes(32).toString('base64') }],
    sessionTtlMs: SESSION_TTL_MS,
    ...options,
    metrics,
  });
  const token = randomBytes(24).toString('base64url');
  const push = createPushEndpoint({
    client: createPushClient({ publisher: broadcast.createPublisher() }),
    tokens: [token],
  });
  const server = createServer((request, response) => {
    push(request, response).then(
      (taken) => taken || response.writeHead(404).end(),
      () => response.destroy(),
    );
  });
  gateway.attach(server, { path: '/', origins: 'any' });
  return { gateway, server, token, figures };
}

/** Keeps gauges and counters. */
function recorder(): { readonly metrics: Metrics; readonly figures: Composition['figures'] } {
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
  return { metrics, figures: () => Object.fromEntries([...figures].map(([name, read]) => [name, read()])) };
}
