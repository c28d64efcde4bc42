/** Two cells that share nothing, and bridges between them. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ImProcess, Up } from './im-process.js';
import type { Person } from './person.js';
import { Workplace } from './workplace.js';

const WAIT = { timeout: 30_000, interval: 20 };
/** Rooms of cell a; whatever begins with `b-` is at home in b. */
const HOMES = 'r:b-*=b,*=a';
const ROOM = '10000';

const workplace = new Workplace();

afterEach(() => workplace.clear());

interface Cell {
  readonly up: Up;
  readonly folder: string;
}

/** A process that brings groups of one cell to another. */
class Bridge extends ImProcess {
  get isReady(): boolean {
    return this.log.some(({ process: name, message }) => name === 'bridge' && message === 'ready');
  }
}

/** Sockets of bridges are in the folder of the cell that they serve. */
const bridgeAt = (folder: string, name: string): string => `${name}@ipc://${folder}/${name}`;

async function startCell(cell: string, from: string, bridges: readonly string[]): Promise<Cell> {
  const folder = await workplace.folder();
  const addresses = bridges.map((name) => `${from}=${bridgeAt(folder, name)}`).join(',');
  const args = ['--workers', '1', '--cell', cell, '--homes', HOMES, '--bridge', addresses];
  const up = new Up(args, folder);
  await workplace.open(up);
  return { up, folder };
}

async function startBridge(name: string, from: Cell, to: Cell, direction: readonly [string, string]): Promise<Bridge> {
  const data = ['--from-data', path.join(from.folder, '.im'), '--data', path.join(to.folder, '.im')];
  const cells = ['--from', direction[0], '--to', direction[1], '--homes', HOMES];
  const listen = ['--listen', bridgeAt(to.folder, name), '--json'];
  const bridge = workplace.run(new Bridge(['bridge', ...cells, ...data, ...listen], to.folder));
  await vi.waitFor(() => expect(bridge.isReady, bridge.output).toBe(true), WAIT);
  return bridge;
}

async function personAt({ up }: Cell, name: string): Promise<Person> {
  return workplace.signIn(up.origin as string, name);
}

async function sendGift(person: Person, room = ROOM): Promise<string> {
  const key = randomUUID();
  let sent = '';
  await vi.waitFor(async () => {
    sent = (await person.client.call('gift.send', { room, gift: 'rose' }, { key })).id;
  }, WAIT);
  return sent;
}

/** One line of the figures of a gateway. @param name a regular expression */
async function figureOf({ up, folder }: Cell, name: string): Promise<number> {
  const token = (await readFile(path.join(folder, '.im/admin-token'), 'utf8')).trim();
  const response = await fetch(`${up.origin}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  const line = new RegExp(`^${name} (\\S+)$`, 'm').exec(await response.text());
  return Number(line?.[1]);
}

describe('two cells', () => {
  it('show a room to viewers in both: gifts in order, each once, though bridges are killed', async () => {
    // Cells are told of bridges that start later.
    const [a, b] = await Promise.all([startCell('a', 'b', ['b-a']), startCell('b', 'a', ['a-b-1', 'a-b-2'])]);
    let first = await startBridge('a-b-1', a, b, ['a', 'b']);
    const second = await startBridge('a-b-2', a, b, ['a', 'b']);
    await startBridge('b-a', b, a, ['b', 'a']);
    await vi.waitFor(async () => expect(await figureOf(b, 'im_broadcast_nodes\\{from="a"\\}')).toBe(4), WAIT);
    const [ann, bob] = [await personAt(a, 'Ann'), await personAt(b, 'Bob')];
    const seen = { ann: [] as string[], bob: [] as string[] };
    (await ann.enter(ROOM)).on('gift', ({ id }) => seen.ann.push(id));
    (await bob.enter(ROOM)).on('gift', ({ id }) => seen.bob.push(id));
    const sent: string[] = [];
    const sendSome = async (): Promise<void> => {
      // From both cells: all go into the one log of the room, in its home.
      for (let count = 0; count < 3; count += 1) sent.push(await sendGift(ann), await sendGift(bob));
    };
    await sendSome();
    await first.signal('SIGKILL');
    await sendSome();
    first = await startBridge('a-b-1', a, b, ['a', 'b']);
    await second.signal('SIGKILL');
    await sendSome();
    await vi.waitFor(() => expect([seen.ann.length, seen.bob.length]).toEqual([sent.length, sent.length]), WAIT);
    expect(seen).toEqual({ ann: sent, bob: sent });

    // The other way round: a room that is at home in b.
    const inB: string[] = [];
    const chat: string[] = [];
    const room = await ann.enter('b-1');
    room.on('gift', ({ id }) => inB.push(id));
    room.on('chat', ({ text }) => chat.push(text));
    await bob.enter('b-1');
    const gift = await sendGift(bob, 'b-1');
    for (const text of ['1', '2', '3']) await bob.client.call('chat.send', { room: 'b-1', text });
    await vi.waitFor(() => expect({ inB, chat }).toEqual({ inB: [gift], chat: ['1', '2', '3'] }), WAIT);
  });

  it('keep what people set, and who is in a chat group, in one of them, for people in both', async () => {
    const [a, b] = await Promise.all([startCell('a', 'b', ['b-a']), startCell('b', 'a', ['a-b'])]);
    const bridge = await startBridge('a-b', a, b, ['a', 'b']);
    await startBridge('b-a', b, a, ['b', 'a']);
    await vi.waitFor(async () => expect(await figureOf(b, 'im_broadcast_nodes\\{from="a"\\}')).toBe(2), WAIT);
    const [ann, bob] = [await personAt(a, 'Ann'), await personAt(b, 'Bob')];
    for (const { client } of [ann, bob]) client.connect();
    const group = { name: 'Book club', members: [bob.user] };
    // A worker that asked for ids before the bridge was there asks again a little later; until then it answers retryably.
    const key = randomUUID();
    const { conversation } = await vi.waitFor(() => ann.client.call('conversation.create', group, { key }), WAIT);
    const ids: string[] = [];
    for (const { client } of [ann, bob, ann, bob]) {
      const once = { key: randomUUID() };
      const sent = await vi.waitFor(() => client.call('conversation.send', { conversation, text: 'hi' }, once), WAIT);
      ids.push(sent.id);
      await bob.client.call('conversation.read', { conversation, version: sent.version });
    }
    expect(new Set(ids).size).toBe(4);
    const [seen] = (await bob.client.call('conversation.list', {})).conversations;
    expect(seen).toMatchObject({ conversation, name: 'Book club', members: 2, role: 'member', unread: 0 });
    expect((await ann.client.call('conversation.list', {})).conversations).toMatchObject([{ role: 'owner' }]);

    // Nothing is looked for, or written, where it is not at home.
    await bridge.signal('SIGTERM');
    await expect(
      bob.client.call('conversation.read', { conversation, version: 1 }, { timeoutMs: 2_000 }),
    ).rejects.toMatchObject({ retryable: true });
    await startBridge('a-b', a, b, ['a', 'b']);
    await vi.waitFor(async () => {
      const { read } = await bob.client.call('conversation.read', { conversation, version: 1 });
      expect(read).toBe(seen?.read);
    }, WAIT);
  });
});
