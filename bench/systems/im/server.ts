/**
 * `im`: one gateway on memory engines, a worker that lets everyone into the room they ask for, and the push endpoint for
 * the outside publisher. Its argument is JSON of the gateway options that differ.
 */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createMemoryBroadcast } from '@im/broadcast/memory';
import { createGateway, type GatewayOptions } from '@im/gateway';
import { createMemoryOnlineList } from '@im/groups';
import { EFFECTS_HEADER, type Effect, ImError, roomGroup } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import { type Metrics, noMetrics } from '@im/protocol/ports';
import { createPushClient } from '@im/push-client';
import { createPushEndpoint } from '@im/push-client/endpoint';
import { decodeJson, encodeJson } from '@im/rpc';
import { createMemoryRpc } from '@im/rpc/memory';
import { createMemoryLogStore } from '@im/timeline/memory';
import { announce } from '../../peers/server-process.js';

/** Short, so that what a lost session keeps is gone soon after the last connection. */
const SESSION_TTL_MS = 250;

const options = JSON.parse(process.argv[2] ?? '{}') as Partial<GatewayOptions>;
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
const log = createMemoryLogStore({ clock });
const broadcast = createMemoryBroadcast({ sequencer: log, clock });
const rpc = createMemoryRpc({ clock });
const gateway = createGateway({
  node: 'bench',
  verifier: {
    verify: (token) =>
      token.startsWith('viewer-')
        ? Promise.resolve({ user: token, claims: {} })
        : Promise.reject(new ImError('UNAUTHORIZED')),
  },
  rpc: rpc.createCaller(),
  broadcast,
  log,
  online: createMemoryOnlineList(),
  ticketKeys: [{ id: 'k1', secret: randomBytes(32).toString('base64') }],
  sessionTtlMs: SESSION_TTL_MS,
  ...options,
  metrics,
});
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
const server = createServer((request, response) => {
  push(request, response).then(
    (taken) => taken || response.writeHead(404).end(),
    () => response.destroy(),
  );
});
gateway.attach(server, { path: '/', origins: 'any' });
announce(server, { token }, () => Object.fromEntries([...figures].map(([name, read]) => [name, read()])));
