import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Publisher } from '@im/broadcast';
import { noMetrics, silentLogger } from '@im/protocol/ports';
import { createMemoryRpc } from '@im/rpc/memory';
import { expect, it } from 'vitest';
import { createPushEndpoint } from './endpoint/index.js';
import { createHttpPushClient } from './http/http-push-client.js';
import { createPushClient } from './publisher-push-client.js';
import type { PushClient } from './push-client.js';
import { servePush } from './rpc/push-service.js';
import { createRpcPushClient } from './rpc/rpc-push-client.js';
import { describePushClientContract, type PushClientSetup } from './testing/index.js';

describePushClientContract('publisher', async (setup) => createPushClient(setup));

const TOKEN = 'a-token-of-some-length';

describePushClientContract('HTTP, the product is that of the endpoint', (setup) => openHttp(setup));
describePushClientContract('HTTP, the product is that of the client', ({ product, ...setup }) =>
  openHttp({ ...setup, product: undefined }, product),
);

describePushClientContract('RPC', async ({ product, ...setup }) => {
  const behind = createPushClient({ ...setup, product: undefined });
  const rpc = createMemoryRpc({ clock: setup.clock, logger: silentLogger, metrics: noMetrics });
  await servePush({ worker: rpc.createWorker(), client: behind, version: '1' });
  const client = createRpcPushClient({ caller: rpc.createCaller(), product, retries: 0 });
  const close = client.close.bind(client);
  let closing: Promise<void> | undefined;
  client.close = () => {
    closing ??= close().then(async () => {
      await rpc.close();
      await behind.close();
    });
    return closing;
  };
  return client;
});

/** A client over HTTP, of a product or of none, and the endpoint that it pushes to, as the setup says. */
async function openHttp(setup: PushClientSetup, product?: string): Promise<PushClient> {
  const behind = createPushClient(setup);
  const endpoint = createPushEndpoint({ client: behind, tokens: [TOKEN] });
  const server = createServer((request, response) => void endpoint(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = createHttpPushClient({ url: `http://127.0.0.1:${port}/v1/push`, token: TOKEN, product, retries: 0 });
  const close = client.close.bind(client);
  let closing: Promise<void> | undefined;
  client.close = () => {
    closing ??= close().then(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await behind.close();
    });
    return closing;
  };
  return client;
}

it.each([
  ['publisher', () => createPushClient({ publisher: {} as Publisher, product: 'P1' })],
  ['HTTP', () => createHttpPushClient({ url: 'http://push.test', token: TOKEN, product: 'P1' })],
])('a push client (%s) of a product outside the grammar is not made', (_, open) => {
  expect(open).toThrow(expect.objectContaining({ name: 'INVALID_ARGUMENT', details: { argument: 'product' } }));
});

it.each([
  ['a client that reaches nobody who counts', {}],
  ['a client where nobody serves receipts', { receipts: createMemoryRpc().createCaller() }],
])('%s says so, and publishes nothing', async (_, options) => {
  const publisher = { publish: () => expect.unreachable(), close: async () => {} } as unknown as Publisher;
  const client = createPushClient({ publisher, ...options });
  const push = { event: 'news', lane: 'priority', id: 'n-1' } as const;
  const refusal = { name: 'RECEIPTS_UNSERVED', retryable: false };
  await expect(client.toUser('ann', push, { receipt: true })).rejects.toMatchObject(refusal);
  await expect(client.receiptOf('n-1')).rejects.toMatchObject(refusal);
  await expect(client.waitDelivered('n-1')).rejects.toMatchObject(refusal);
  await client.close();
});
