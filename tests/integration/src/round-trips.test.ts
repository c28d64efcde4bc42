/** What it costs to be told of stored messages: positions instead of an acknowledgement for each. */
import { randomUUID } from 'node:crypto';
import { type Client, createClient } from '@im/client-sdk';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { Supervised } from './im-process.js';
import type { Person } from './person.js';
import { Workplace } from './workplace.js';

const WAIT = { timeout: 15_000, interval: 20 };
/** As many as one person may write at once. */
const MESSAGES = 20;

const workplace = new Workplace();
const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await workplace.clear();
});

async function start() {
  const origin = await workplace.open(new Supervised([], await workplace.folder()));
  const ann = await workplace.signIn(origin, 'Ann');
  ann.client.connect();
  return { ann, origin };
}

/** Bob's device and the transport messages of its connection, both ways. */
async function countedBob(origin: string) {
  const response = await fetch(`${origin}/v1/login`, { method: 'POST', body: JSON.stringify({ name: 'Bob' }) });
  const { token, user } = (await response.json()) as { token: string; user: string };
  const counted = { transport: 0 };
  const texts: string[] = [];
  class CountingSocket extends WebSocket {
    constructor(address: string | URL, protocols?: string | string[]) {
      super(address, protocols);
      this.on('message', () => {
        counted.transport += 1;
      });
    }

    override send(data: Parameters<WebSocket['send']>[0]): void {
      counted.transport += 1;
      super.send(data);
    }
  }
  const url = `${origin.replace('http', 'ws')}/im`;
  const bob = createClient<{ user: { message: { text: string } } }>({
    ...{ url, token, device: 'phone', WebSocket: CountingSocket },
  });
  bob.user.on('message', ({ text }) => texts.push(text));
  clients.push(bob);
  return { bob, user, counted, texts };
}

async function write({ client }: Person, to: string): Promise<string[]> {
  const texts = Array.from({ length: MESSAGES }, (_, index) => `message ${index}`);
  for (const text of texts) await client.call('conversation.send', { to, text }, { key: randomUUID() });
  return texts;
}

describe('n stored messages cost the one who gets them at most n + 4 transport messages', () => {
  it('when they come one by one', async () => {
    const { ann, origin } = await start();
    const { bob, user, counted, texts } = await countedBob(origin);
    bob.connect();
    await vi.waitFor(() => expect(bob.state.status).toBe('connected'), WAIT);
    const written = await write(ann, user);
    await vi.waitFor(() => expect(texts).toEqual(written), WAIT);
    expect(counted.transport).toBeLessThanOrEqual(MESSAGES + 4);
  });

  it('when they waited for it, and then far fewer: they come together', async () => {
    const { ann, origin } = await start();
    const { bob, user, counted, texts } = await countedBob(origin);
    bob.connect();
    await vi.waitFor(() => expect(bob.state.status).toBe('connected'), WAIT);
    bob.close();
    await vi.waitFor(() => expect(bob.state.status).toBe('closed'), WAIT);
    const written = await write(ann, user);
    counted.transport = 0;
    bob.connect();
    await vi.waitFor(() => expect(texts).toEqual(written), WAIT);
    expect(counted.transport).toBeLessThanOrEqual(8);
  });
});
