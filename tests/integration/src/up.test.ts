/** Gateway, brokers and workers as processes of their own: what people do, and what becomes of it when one is killed. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type CallerContext, CONNECTION_HEADER } from '@im/protocol';
import { decodeJson, encodeJson } from '@im/rpc';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { isAlive, Up } from './im-process.js';
import type { Message, Person } from './person.js';
import { connectTo, load } from './rpc-load.js';
import { Workplace } from './workplace.js';

const WAIT = { timeout: 20_000, interval: 20 };
const ROOM = '10000';

const workplace = new Workplace();
const connections: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(connections.splice(0).map((connection) => connection.close()));
  await workplace.clear();
});

async function start(...args: string[]) {
  const folder = await workplace.folder();
  const up = new Up(args, folder);
  const origin = await workplace.open(up);
  const person = (name: string): Promise<Person> => workplace.signIn(origin, name);
  /** Kills a child as a crash would. */
  const kill = (child: string): void => void process.kill(up.pids(child).at(-1) as number, 'SIGKILL');
  const back = async (child: string, count: number): Promise<void> =>
    vi.waitFor(() => expect(up.pids(child).length, up.output).toBe(count), WAIT);
  const connect = () => {
    const connection = connectTo(up.brokers);
    connections.push(connection);
    return connection.caller;
  };
  return { up, folder, person, kill, back, connect };
}

/** As a gateway would say. */
const asUser = (user: string) => ({
  [CONNECTION_HEADER]: {
    ...{ gateway: 'test', session: `s-${user}`, user, device: 'd', platform: 'test', address: '127.0.0.1' },
    ...{ sequence: 1, attributes: {}, claims: {} },
  } satisfies CallerContext,
});

async function chatAndGift(ann: Person, bob: Person): Promise<void> {
  const [, seen] = [await ann.enter(ROOM), await bob.enter(ROOM)];
  const [chats, gifts]: [string[], string[]] = [[], []];
  seen.on('chat', ({ text }) => chats.push(text));
  seen.on('gift', ({ id, gift }, { lane }) => gifts.push(`${lane} ${gift} ${id}`));
  await ann.client.call('chat.send', { room: ROOM, text: '你好' });
  const { id } = await ann.client.call('gift.send', { room: ROOM, gift: 'rocket' }, { key: randomUUID() });
  await vi.waitFor(() => expect(chats).toEqual(['你好']), WAIT);
  await vi.waitFor(() => expect(gifts).toEqual([`priority rocket ${id}`]), WAIT);
}

async function writeTo(ann: Person, bob: Person, text: string): Promise<void> {
  const { version } = await ann.client.call('conversation.send', { to: bob.user, text }, { key: randomUUID() });
  await vi.waitFor(() => expect(bob.messages.at(-1)).toMatchObject({ text, version }), WAIT);
  const messages = await bob.history({ with: ann.user });
  expect(messages[0]).toMatchObject({ text, version });
}

describe('im up', () => {
  it('carries chat, gifts and private messages between processes', async () => {
    const { up, person } = await start('--brokers', '2');
    const children = ['broker-1', 'broker-2', 'node-1', 'worker-1', 'worker-2', 'gateway-1'];
    expect(children.map((child) => up.pids(child).length)).toEqual(children.map(() => 1));
    const [ann, bob] = [await person('Ann'), await person('Bob')];
    await chatAndGift(ann, bob);
    await writeTo(ann, bob, 'only for you');
    const { members } = await bob.client.call('room.members', { room: ROOM });
    expect(members.map(({ name }) => name)).toEqual(['Ann', 'Bob']);
    const { code } = await up.signal('SIGTERM');
    expect(code).toBe(0);
    expect(up.pids('gateway-1').filter(isAlive)).toEqual([]);
  });

  it('keeps what people set, and who is in a chat group, though the process that has it is killed again and again', async () => {
    const { person, kill, back } = await start();
    const [ann, bob] = [await person('Ann'), await person('Bob')];
    for (const { client } of [ann, bob]) client.connect();
    const group = { name: 'Book club', members: [bob.user] };
    const { conversation } = await ann.client.call('conversation.create', group, { key: randomUUID() });
    const ids = new Set<string>();
    let [sent, read] = [0, 0];
    for (let crash = 0; crash < 2; crash += 1) {
      let reading = true;
      // Until the process is killed in the middle of it; what was answered counts.
      const reader = (async () => {
        while (reading) {
          try {
            const said = await ann.client.call(
              'conversation.send',
              { conversation, text: `${sent}` },
              { key: randomUUID() },
            );
            sent += 1;
            ids.add(said.id);
            read = (await bob.client.call('conversation.read', { conversation, version: said.version })).read;
          } catch {
            // Whether that was carried out is unknown.
          }
        }
      })();
      const before = read;
      await vi.waitFor(() => expect(read).toBeGreaterThan(before + 2), WAIT);
      kill('node-1');
      await back('node-1', 2 + crash);
      const after = read;
      await vi.waitFor(() => expect(read).toBeGreaterThan(after), WAIT);
      reading = false;
      await reader;
      const [summary] = (await bob.client.call('conversation.list', {})).conversations;
      expect(summary).toMatchObject({ conversation, members: 2, role: 'member' });
      expect(summary?.read).toBeGreaterThanOrEqual(read);
    }
    expect(ids.size).toBe(sent);
  });

  it('speaks TCP as well', async () => {
    const { person, up } = await start('--transport', 'tcp', '--rpc-port', '7511', '--bus-port', '7521');
    expect(up.brokers).toEqual(['tcp://127.0.0.1:7511']);
    await chatAndGift(await person('Ann'), await person('Bob'));
  });

  it('lets no client name what processes ask each other', async () => {
    const { person } = await start();
    const ann = await person('Ann');
    await ann.enter(ROOM);
    const call = (method: string) =>
      (ann.client.call as (method: string, input: unknown) => Promise<unknown>)(method, null);
    await expect(call('relay-online.$count')).rejects.toMatchObject({ name: 'MALFORMED' });
    await expect(call('relay-online.count')).rejects.toMatchObject({ name: 'METHOD_UNKNOWN' });
    await expect(call('$broker.stats')).rejects.toMatchObject({ name: 'MALFORMED' });
  });

  it('fails no call with a key, and carries none out twice, while workers are killed with -9 under load', async () => {
    const { kill, back, connect } = await start();
    const caller = connect();
    const stop = load(caller, 200, (count) => ({
      service: 'conversation',
      method: 'send',
      body: encodeJson({ to: 'bob', text: `${count}` }),
      // A sender writes fewer than may be written at once.
      options: { headers: asUser(`ann-${count % 100}`), idempotencyKey: `k${count}` },
    }));
    for (let round = 1; round <= 2; round += 1) {
      for (const worker of ['worker-1', 'worker-2']) {
        kill(worker);
        await back(worker, round + 1);
      }
    }
    const { done, failed } = await stop();
    expect(failed).toEqual([]);
    const history = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const input = encodeJson({ with: 'bob', limit: 100 });
        const { body } = await caller.call('conversation', 'history', input, { headers: asUser(`ann-${index}`) });
        return (decodeJson(body) as { entries: { data: Message }[] }).entries.map(({ data }) => data.text);
      }),
    );
    const written = history.flat();
    expect(written).toHaveLength(done);
    expect(new Set(written).size).toBe(done);
  });

  it('goes on when its only broker was killed with -9', async () => {
    const { person, kill, back } = await start();
    const [ann, bob] = [await person('Ann'), await person('Bob')];
    await chatAndGift(ann, bob);
    kill('broker-1');
    await back('broker-1', 2);
    await writeTo(ann, bob, 'after the broker');
  });

  it('brings people back to their rooms when the gateway was killed with -9', async () => {
    const { person, kill, back } = await start();
    const [ann, bob] = [await person('Ann'), await person('Bob')];
    await chatAndGift(ann, bob);
    await writeTo(ann, bob, 'before');
    kill('gateway-1');
    await back('gateway-1', 2);
    await vi.waitFor(() => expect(ann.client.state).toMatchObject({ status: 'connected', resumed: true }), WAIT);
    await writeTo(ann, bob, 'after the gateway');
  });

  it('goes on when its broadcast node was killed with -9, and has kept what was stored', async () => {
    const { person, kill, back } = await start();
    const [ann, bob] = [await person('Ann'), await person('Bob')];
    await chatAndGift(ann, bob);
    await writeTo(ann, bob, 'before');
    kill('node-1');
    await back('node-1', 2);
    await writeTo(ann, bob, 'after the node');
    const messages = await bob.history({ with: ann.user });
    expect(messages.map(({ text }) => text)).toEqual(['after the node', 'before']);
    const chats: string[] = [];
    (await bob.enter(ROOM)).on('chat', ({ text }) => chats.push(text));
    await vi.waitFor(async () => {
      await ann.client.call('chat.send', { room: ROOM, text: 'still here?' });
      expect(chats).toContain('still here?');
    }, WAIT);
  });

  it('shows the figures of all its processes to who has the admin token', async () => {
    const { up, person, folder } = await start('--metrics-port', '0');
    await (await person('Ann')).enter(ROOM);
    const url = up.log.find(({ process, message }) => process === 'up' && message === 'ready')?.figures as string;
    expect((await fetch(url)).status).toBe(401);
    const token = (await readFile(path.join(folder, '.im/admin-token'), 'utf8')).trim();
    const text = await (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).text();
    for (const process of ['broker-1', 'node-1', 'worker-1', 'worker-2', 'gateway-1']) {
      expect(text).toMatch(new RegExp(`^im_process_resident_bytes\\{process="${process}"\\} \\d+$`, 'm'));
    }
    expect(text).toContain('im_gateway_connections{process="gateway-1"} 1');
    expect(text).toMatch(/^im_rpc_workers\{process="broker-1"\} 6$/m);
  });

  it('is one to a data folder', async () => {
    const { up } = await start();
    const { code, output } = await up.im('up', '--port', '0');
    expect([code, output]).toEqual([78, expect.stringMatching(/^im up: .* is in use by process \d+; .*\(--data\)\n$/)]);
  });
});
