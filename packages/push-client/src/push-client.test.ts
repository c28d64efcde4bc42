import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createPushEndpoint } from './endpoint/index.js';
import { createHttpPushClient } from './http/http-push-client.js';
import { createPushClient } from './publisher-push-client.js';
import { describePushClientContract } from './testing/index.js';

describePushClientContract('publisher', async (setup) => createPushClient(setup));

const TOKEN = 'a-token-of-some-length';

describePushClientContract('HTTP', async (setup) => {
  const behind = createPushClient(setup);
  const endpoint = createPushEndpoint({ client: behind, tokens: [TOKEN] });
  const server = createServer((request, response) => void endpoint(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = createHttpPushClient({ url: `http://127.0.0.1:${port}/v1/push`, token: TOKEN, retries: 0 });
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
});
