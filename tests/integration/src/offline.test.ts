/** What is told of people who are not connected, while the workers that tell it are killed. */
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { Up } from './im-process.js';
import { Workplace } from './workplace.js';

const WAIT = { timeout: 20_000, interval: 20 };
const RECEIVERS = ['Bob', 'Cat', 'Dan'];

interface Told {
  readonly id: string;
  readonly user: string;
  readonly version: number;
  readonly preview: string;
}

const workplace = new Workplace();
let backend: Server | undefined;
afterEach(async () => {
  await workplace.clear();
  backend?.closeAllConnections();
  await new Promise((resolve) => (backend ? backend.close(resolve) : resolve(undefined)));
});

it('tells of every acknowledged message, in the order of each user, though workers are killed and the backend fails', async () => {
  const told: Told[] = [];
  let requests = 0;
  backend = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      requests += 1;
      const isRefused = requests % 5 === 0;
      if (!isRefused) told.push(JSON.parse(body) as Told);
      response.writeHead(isRefused ? 503 : 200).end();
    });
  });
  await new Promise<void>((resolve) => backend?.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(backend.address() as AddressInfo).port}/offline`;
  const secret = { IM_OFFLINE_SECRET: randomUUID() };
  const args = ['--workers', '2', '--offline-url', url, '--offline-preview'];
  const up = new Up(args, await workplace.folder(), secret);
  const ann = await workplace.signIn(await workplace.open(up), 'Ann');
  ann.client.connect();

  const acknowledged = new Map<string, string[]>(RECEIVERS.map((user) => [user, []]));
  let isWriting = true;
  const writers = [...acknowledged].map(async ([to, texts]) => {
    for (let count = 0; isWriting; count += 1) {
      const text = `${to} ${count}`;
      const key = randomUUID();
      await vi.waitFor(
        () => ann.client.call('conversation.send', { to, text }, { key, timeoutMs: 10_000 }),
        // Whoever is too fast tries again.
        { timeout: 20_000, interval: 250 },
      );
      texts.push(text);
    }
  });
  const acknowledgedCount = () => [...acknowledged.values()].flat().length;
  for (const worker of ['worker-1', 'worker-2']) {
    const before = acknowledgedCount();
    await vi.waitFor(() => expect(acknowledgedCount()).toBeGreaterThan(before + 8), WAIT);
    process.kill(up.pids(worker).at(-1) as number, 'SIGKILL');
  }
  const after = acknowledgedCount();
  await vi.waitFor(() => expect(acknowledgedCount()).toBeGreaterThan(after + 8), WAIT);
  isWriting = false;
  await Promise.all(writers);

  /** As a backend sees them that knows what it has had. */
  const previewsOf = (user: string) => [
    ...new Map(told.filter((each) => each.user === user).map((each) => [each.id, each.preview])).values(),
  ];
  await vi.waitFor(() => {
    for (const [user, texts] of acknowledged) expect(previewsOf(user)).toEqual(texts);
  }, WAIT);
}, 90_000);
