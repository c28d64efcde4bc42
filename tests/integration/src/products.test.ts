/** Two products on one system: people, rooms and groups of the same names, which have nothing to do with each other. */
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { hasRedisServer, type RedisServer, startRedisServer } from '@im/test-servers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Up } from './im-process.js';
import { Person } from './person.js';
import { Workplace } from './workplace.js';

const WAIT = { timeout: 30_000, interval: 20 };
const ROOM = '10000';
const SECRET = randomBytes(32).toString('hex');
const PUSH_TOKEN = { p1: randomUUID(), p2: randomUUID() };
type Product = keyof typeof PUSH_TOKEN;

const workplace = new Workplace();
let redis: RedisServer | undefined;

afterEach(async () => {
  await workplace.clear();
  await redis?.stop();
});

function tokenFor(user: string, product: Product): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(Date.now() / 1_000) + 3_600;
  const text = `${part({ alg: 'HS256' })}.${part({ sub: user, app: product, name: `${user} of ${product}`, exp })}`;
  return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`;
}

/** Somebody in the room, and whatever reached them there, from people and from backends. */
class Witness {
  readonly gifts: string[] = [];
  readonly chat: string[] = [];
  readonly notices: unknown[] = [];

  constructor(readonly person: Person) {}

  static async enter(origin: string, user: string, product: Product): Promise<Witness> {
    const witness = new Witness(workplace.keep(Person.withToken(origin, user, tokenFor(user, product))));
    const room = await witness.person.enter(ROOM);
    room.on('gift', ({ id }) => witness.gifts.push(id));
    room.on('chat', ({ text }) => witness.chat.push(text));
    room.on('notice', (data) => witness.notices.push(data));
    return witness;
  }

  async members(): Promise<string[]> {
    const { members } = await this.person.client.call('room.members', { room: ROOM });
    return members.map(({ name }) => name).sort();
  }

  texts(): string[] {
    return this.person.messages.map(({ text }) => text);
  }
}

describe.skipIf(!hasRedisServer)('two products on one system', () => {
  it('have nothing to do with each other, by any door, though people and rooms have the same names', async () => {
    redis = await startRedisServer({ persistent: false });
    const folder = await workplace.folder();
    const variables = {
      IM_REDIS: redis.url,
      IM_JWT_SECRET: SECRET,
      IM_PUSH_TOKENS: `p1=${PUSH_TOKEN.p1},p2=${PUSH_TOKEN.p2}`,
    };
    const up = workplace.run(
      new Up(['--gateways', '2', '--workers', '1', '--jwt-product-claim', 'app'], folder, variables),
    );
    await vi.waitFor(() => expect(up.gateways, up.output).toHaveLength(2), WAIT);
    const [first = '', second = ''] = up.gateways;
    const one = { ann: await Witness.enter(first, 'ann', 'p1'), bob: await Witness.enter(second, 'bob', 'p1') };
    const two = { ann: await Witness.enter(first, 'ann', 'p2'), bob: await Witness.enter(second, 'bob', 'p2') };

    // Calls, with the same key in both: rooms, ids and logs are each product's own.
    const key = randomUUID();
    const give = async ({ person }: Witness): Promise<string> =>
      (await person.client.call('gift.send', { room: ROOM, gift: 'rose' }, { key })).id;
    const gifts = { p1: await give(one.ann), p2: await give(two.ann) };
    expect(gifts.p1).not.toBe(gifts.p2);
    await one.bob.person.client.call('chat.send', { room: ROOM, text: 'in p1' });
    await two.bob.person.client.call('chat.send', { room: ROOM, text: 'in p2' });
    await one.bob.person.client.call('conversation.send', { to: 'ann', text: 'to ann of p1' }, { key });
    await two.bob.person.client.call('conversation.send', { to: 'ann', text: 'to ann of p2' }, { key });

    // A chat group of one, which people of the other find by no name.
    const members = { name: 'p1 alone', members: ['bob'] };
    const { conversation } = await one.ann.person.client.call('conversation.create', members, { key });
    await one.ann.person.client.call('conversation.send', { conversation, text: 'to p1' }, { key });
    expect((await one.bob.person.history({ conversation })).map(({ text }) => text)).toEqual(['to p1']);
    for (const { person } of [two.ann, two.bob]) {
      const send = person.client.call('conversation.send', { conversation, text: 'from p2' }, { key: randomUUID() });
      await expect(send).rejects.toMatchObject({ name: 'CONVERSATION_UNKNOWN' });
      await expect(person.history({ conversation })).rejects.toMatchObject({ name: 'CONVERSATION_UNKNOWN' });
      const opened = await person.client.call('conversation.open', { conversations: [conversation] });
      expect([opened.conversations, person.client.group(conversation).member]).toEqual([[], false]);
    }

    // Who is there.
    await vi.waitFor(async () => expect(await one.ann.members()).toEqual(['ann of p1', 'bob of p1']), WAIT);
    await vi.waitFor(async () => expect(await two.ann.members()).toEqual(['ann of p2', 'bob of p2']), WAIT);

    // Backends: a product's token reaches that product, whatever the push says.
    const push = async (token: string, body: object): Promise<number> => {
      const headers = { authorization: `Bearer ${token}` };
      return (await fetch(`${second}/v1/push`, { method: 'POST', headers, body: JSON.stringify(body) })).status;
    };
    const notice = (data: string) => ({ to: { room: ROOM }, event: 'notice', data, lane: 'priority' });
    expect(await push(PUSH_TOKEN.p1, notice('from the backend of p1'))).toBe(200);
    expect(await push(PUSH_TOKEN.p1, { ...notice('across'), product: 'p2' })).toBe(400);
    expect(await push(PUSH_TOKEN.p1, { ...notice('across'), to: { group: `p2/r:${ROOM}` } })).toBe(400);
    expect(await push(PUSH_TOKEN.p2, notice('from the backend of p2'))).toBe(200);
    const all = (await readFile(path.join(folder, '.im/push-token'), 'utf8')).trim();
    expect(await push(all, notice('to no product'))).toBe(200);
    expect(await push(all, { ...notice('from the operator'), product: 'p2' })).toBe(200);
    expect(await push(randomUUID(), notice('by nobody'))).toBe(401);

    const inOne = { gifts: [gifts.p1], chat: ['in p1'], notices: ['from the backend of p1'] };
    const inTwo = { gifts: [gifts.p2], chat: ['in p2'], notices: ['from the backend of p2', 'from the operator'] };
    const seen = ({ gifts, chat, notices }: Witness) => ({ gifts, chat, notices });
    for (const [witnesses, expected] of [
      [one, inOne],
      [two, inTwo],
    ] as const) {
      await vi.waitFor(() => expect(seen(witnesses.bob)).toEqual(expected), WAIT);
      await vi.waitFor(() => expect(seen(witnesses.ann)).toEqual(expected), WAIT);
    }
    await vi.waitFor(
      () => expect([one.ann.texts(), two.ann.texts()]).toEqual([['to ann of p1'], ['to ann of p2']]),
      WAIT,
    );
    for (const { ann, of } of [
      { ann: one.ann, of: 'p1' },
      { ann: two.ann, of: 'p2' },
    ]) {
      const messages = await ann.person.history({ with: 'bob' });
      expect(messages.map(({ text }) => text)).toEqual([`to ann of ${of}`]);
    }
  });
});
