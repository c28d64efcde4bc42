import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ImProcess, Supervised } from './im-process.js';
import type { Person } from './person.js';
import { Workplace } from './workplace.js';

const WAIT = { timeout: 15_000, interval: 20 };
const ROOM = '10000';

const workplace = new Workplace();
let folder: string;
let origin: string;

beforeAll(async () => {
  folder = await workplace.folder();
  origin = await workplace.open(new Supervised([], folder));
});
afterAll(() => workplace.clear());

const person = (name: string): Promise<Person> => workplace.signIn(origin, name);

async function pushToken(): Promise<string> {
  return (await readFile(path.join(folder, '.im/push-token'), 'utf8')).trim();
}

describe('a live room', () => {
  it('shows chat and gifts to everybody in it, and who is there', async () => {
    const [ann, bob] = [await person('Ann'), await person('小明')];
    const [, seen] = [await ann.enter(ROOM), await bob.enter(ROOM)];
    const chats: string[] = [];
    const gifts: string[] = [];
    seen.on('chat', ({ from, text }) => chats.push(`${from.name}: ${text}`));
    seen.on('gift', ({ id, value }, { lane, version }) => gifts.push(`${id} ${value} ${lane} ${version}`));

    await ann.client.call('chat.send', { room: ROOM, text: '你好, everybody' });
    const { id } = await ann.client.call('gift.send', { room: ROOM, gift: 'rocket' }, { key: randomUUID() });

    await vi.waitFor(() => expect(chats).toEqual(['Ann: 你好, everybody']), WAIT);
    await vi.waitFor(() => expect(gifts).toEqual([`${id} 520 priority 1`]), WAIT);
    const { members } = await bob.client.call('room.members', { room: ROOM });
    expect(members.map(({ name }) => name)).toEqual(['Ann', '小明']);
  });

  it('tells the audience as people come and vanish', async () => {
    const [cat, dan] = [await person('Cat'), await person('Dan')];
    const room = await cat.enter('audience');
    const counts: number[] = [];
    room.on('audience', ({ count }) => counts.push(count));
    await dan.enter('audience');
    await vi.waitFor(() => expect(counts.at(-1)).toBe(2), WAIT);
    dan.client.close();
    await vi.waitFor(() => expect(counts.at(-1)).toBe(1), WAIT);
  });

  it('takes pushes from backends: over HTTP with the token, and from the command line', async () => {
    const eve = await person('Eve');
    const room = await eve.enter('pushed');
    const notices: unknown[] = [];
    room.on('notice', (notice) => notices.push(notice));
    const post = async (authorization: string) =>
      fetch(`${origin}/v1/push`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ to: { room: 'pushed' }, event: 'notice', data: { text: 'from curl' } }),
      });
    expect((await post('Bearer not-the-token-at-all')).status).toBe(401);
    expect((await post(`Bearer ${await pushToken()}`)).status).toBe(200);
    await vi.waitFor(() => expect(notices).toEqual([{ text: 'from curl' }]), WAIT);

    const args = [
      'push',
      '--to',
      'room:pushed',
      '--event',
      'notice',
      '--body',
      '{"n":2}',
      '--url',
      `${origin}/v1/push`,
    ];
    const command = await workplace.run(new ImProcess(args, folder)).finished();
    expect([command.code, JSON.parse(command.output)]).toEqual([0, { group: 'r:pushed' }]);
    await vi.waitFor(() => expect(notices.at(-1)).toEqual({ n: 2 }), WAIT);
  });

  it('keeps private messages for who is away, and shows them to nobody else', async () => {
    const [fay, gus, hal] = [await person('Fay'), await person('Gus'), await person('Hal')];
    for (const { client } of [fay, gus, hal]) client.connect();
    await gus.history({ with: fay.user });
    gus.client.close();
    for (const text of ['are you there?', 'call me']) {
      await fay.client.call('conversation.send', { to: gus.user, text }, { key: randomUUID() });
    }
    gus.client.connect();
    await vi.waitFor(() => expect(gus.messages.map(({ text }) => text)).toEqual(['are you there?', 'call me']), WAIT);
    const messages = await gus.history({ with: fay.user });
    expect(messages.map(({ text }) => text)).toEqual(['call me', 'are you there?']);
    for (const peer of [fay, gus]) {
      expect(await hal.history({ with: peer.user })).toEqual([]);
    }
    expect(hal.messages).toEqual([]);
  });

  it('lets moderators remove somebody, who can come back only by entering again', async () => {
    const ian = await person('Ian');
    const room = await ian.enter('moderated');
    const left: number[] = [];
    room.on('$left', ({ code }) => left.push(code));
    const args = ['token', '--name', 'Mo', '--role', 'moderator'];
    const { output } = await workplace.run(new ImProcess(args, folder)).finished();
    const mo = await connectWith(output.trim());
    await mo('room.kick', { room: 'moderated', user: ian.user });
    await vi.waitFor(() => expect(left).toEqual([204]), WAIT);
    expect((await ian.client.enter('moderated')).member).toBe(true);
  });
});

describe('bad manners', () => {
  it('cuts off who sends a request drop by drop, while others go on', async () => {
    const { port } = new URL(origin);
    const socket = connect(Number(port), '127.0.0.1');
    const closed = new Promise((resolve) => socket.on('close', resolve));
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.write('GET /im HTTP/1.1\r\nhost: x\r\n');
    const dripping = setInterval(() => socket.write('x'), 500);
    expect((await fetch(`${origin}/readyz`)).status).toBe(200);
    await closed;
    clearInterval(dripping);
    expect(answer).toMatch(/^HTTP\/1.1 408 /);
  }, 30_000);

  it('lets no page of another origin connect', async () => {
    const status = await new Promise((resolve) => {
      const socket = connect(Number(new URL(origin).port), '127.0.0.1');
      socket.once('data', (chunk) => {
        socket.destroy();
        resolve(Number(String(chunk).split(' ')[1]));
      });
      const key = 'dGhlIHNhbXBsZSBub25jZQ==';
      socket.write(
        `GET /im HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\norigin: https://evil.example\r\n\r\n`,
      );
    });
    expect(status).toBe(403);
  });
});

/** A client with a token of its own. */
async function connectWith(token: string) {
  const { createClient } = await import('@im/client-sdk');
  const { WebSocket } = await import('ws');
  const client = createClient({ url: `${origin.replace('http', 'ws')}/im`, token, WebSocket });
  client.connect();
  return async (method: string, data: object) => {
    await client.call(method, data);
    client.close();
  };
}
