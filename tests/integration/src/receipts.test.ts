/** Receipts, devices and the offline hook through processes of their own: gateway, broadcast node, brokers, two workers. */
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Client } from '@im/client-sdk';
import { afterEach, expect, it, vi } from 'vitest';
import { Up } from './im-process.js';
import { Workplace } from './workplace.js';

const WAIT = { timeout: 20_000, interval: 20 };

const workplace = new Workplace();
let backend: Server | undefined;
afterEach(async () => {
  await workplace.clear();
  backend?.closeAllConnections();
  await new Promise((resolve) => (backend ? backend.close(resolve) : resolve(undefined)));
});

it('says how far a message came, tells of it who was not connected, and lets the later sign-in stay', async () => {
  const told: { user: string; preview: string; unread: number }[] = [];
  backend = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      told.push(JSON.parse(body));
      response.end();
    });
  });
  await new Promise<void>((resolve) => backend?.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(backend.address() as AddressInfo).port}/offline`;
  const secret = { IM_OFFLINE_SECRET: randomUUID() };
  const args = ['--devices', 'one', '--offline-url', url, '--offline-preview'];
  const origin = await workplace.open(new Up(args, await workplace.folder(), secret));
  const signIn = async (name: string): Promise<Client> => {
    const person = await workplace.signIn(origin, name);
    person.client.connect();
    await vi.waitFor(() => expect(person.client.state.status).toBe('connected'), WAIT);
    return person.client;
  };
  const ann = await signIn('Ann');
  const sums: Record<string, unknown>[] = [];
  ann.user.on('receipt', (news) => sums.push(...(news as { receipts: Record<string, unknown>[] }).receipts));
  const sent = await ann.call('conversation.send', { to: 'Bob', text: 'hi', receipt: true }, { key: randomUUID() });
  const { conversation, version } = sent as { conversation: string; version: number };
  await vi.waitFor(() => expect(told).toMatchObject([{ user: 'Bob', preview: 'hi', unread: 1 }]), WAIT);

  const bob = await signIn('Bob');
  await ann.call('conversation.send', { to: 'Bob', text: 'again', receipt: true }, { key: randomUUID() });
  await vi.waitFor(() => expect(sums).toContainEqual({ conversation, version: 2, of: 1, delivered: 1 }), WAIT);
  await bob.call('conversation.read', { conversation, version: 2 });
  const of = () => ann.call('receipt.of', { conversation, versions: [version, 2] });
  await vi.waitFor(
    async () =>
      expect(await of()).toMatchObject({
        receipts: [
          { delivered: 1, read: 1 },
          { delivered: 1, read: 1 },
        ],
      }),
    WAIT,
  );
  expect(told).toHaveLength(1);

  await signIn('Bob');
  await vi.waitFor(() => expect(bob.state).toMatchObject({ status: 'closed', code: 4508 }), WAIT);
}, 60_000);
