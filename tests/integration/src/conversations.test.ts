/** Chat groups through a real gateway and the SDK: who is there, who was away, who is out. */
import { randomUUID } from 'node:crypto';
import { conversations } from '@im/client-sdk/conversations';
import { afterEach, expect, it, vi } from 'vitest';
import { Supervised } from './im-process.js';
import type { Person } from './person.js';
import { Workplace } from './workplace.js';

const WAIT = { timeout: 20_000, interval: 20 };

const workplace = new Workplace();
afterEach(() => workplace.clear());

/** A person who opens what they are brought into, and remembers what was said there, with its versions. */
class Talker {
  readonly heard: string[] = [];
  readonly left: number[] = [];

  private constructor(readonly person: Person) {}

  static async connect(origin: string, name: string): Promise<Talker> {
    const talker = new Talker(await workplace.signIn(origin, name));
    const { client } = talker.person;
    client.user.on('conversation', ({ conversation, change }) => {
      if (change !== 'added') return;
      const group = client.group<{ message: { text: string } }>(conversation);
      group.on('message', ({ text }, { version }) => talker.heard.push(`${version} ${text}`));
      group.on('$left', ({ code }) => talker.left.push(code));
      void client.call('conversation.open', { conversations: [conversation] });
    });
    client.connect();
    return talker;
  }

  async say(conversation: string, text: string): Promise<number> {
    const options = { key: randomUUID(), timeoutMs: 30_000 };
    return (await this.person.client.call('conversation.send', { conversation, text }, options)).version;
  }

  async create(members: readonly Talker[]): Promise<string> {
    const input = { name: 'Hikers', members: members.map(({ person }) => person.user) };
    const { conversation } = await this.person.client.call('conversation.create', input, { key: randomUUID() });
    return conversation;
  }
}

it('brings a chat group to who is there at once, and to who was away on return: all in order, also when the server was killed', async () => {
  const server = new Supervised([], await workplace.folder());
  const origin = await workplace.open(server);
  const ann = await Talker.connect(origin, 'Ann');
  const bob = await Talker.connect(origin, 'Bob');
  const cat = await Talker.connect(origin, 'Cat');
  const dan = await Talker.connect(origin, 'Dan');
  const conversation = await ann.create([bob, cat]);
  const said: string[] = [];
  const say = async (talker: Talker, text: string) => said.push(`${await talker.say(conversation, text)} ${text}`);

  for (const { person } of [bob, cat]) {
    await vi.waitFor(() => expect(person.client.group(conversation).member).toBe(true), WAIT);
  }
  await say(ann, 'first');
  await vi.waitFor(() => expect([bob.heard, cat.heard]).toEqual([said, said]), WAIT);
  cat.person.goAway();
  for (let count = 1; count <= 15; count += 1) await say(count % 2 ? ann : bob, `while cat is away ${count}`);

  const before = server.servers.length;
  process.kill(server.servers.at(-1) as number, 'SIGKILL');
  await vi.waitFor(() => expect(server.servers.length, server.output).toBeGreaterThan(before), WAIT);
  await say(bob, 'after the crash');
  cat.person.comeBack();
  await vi.waitFor(() => expect(cat.heard).toEqual(said), WAIT);
  await vi.waitFor(() => expect(bob.heard).toEqual(said), WAIT);

  // Who was removed hears no more of it, with a session of before either; who never was in it, nothing.
  cat.person.goAway();
  await ann.person.client.call('conversation.remove', { conversation, user: cat.person.user });
  await say(ann, 'without cat');
  cat.person.comeBack();
  await vi.waitFor(() => expect(cat.left).toEqual([204]), WAIT);
  await expect(cat.say(conversation, 'let me in')).rejects.toMatchObject({ name: 'CONVERSATION_UNKNOWN' });
  await vi.waitFor(() => expect(bob.heard).toEqual(said), WAIT);
  expect(cat.heard).toEqual(said.slice(0, -1));
  await expect(dan.person.history({ conversation })).rejects.toMatchObject({ name: 'CONVERSATION_UNKNOWN' });
  expect((await dan.person.client.call('conversation.open', { conversations: [conversation] })).conversations).toEqual(
    [],
  );
  expect(dan.heard).toEqual([]);
}, 60_000);

it('starts a new device with the newest of each conversation, not with its past, and pages the rest', async () => {
  const origin = await workplace.open(new Supervised([], await workplace.folder()));
  const talkers = await Promise.all(['Ann', 'Bob', 'Cat', 'Dan'].map((name) => Talker.connect(origin, name)));
  const [ann, bob, ...others] = talkers as [Talker, Talker, ...Talker[]];
  const conversation = await ann.create([bob, ...others]);
  const said = (
    await Promise.all(
      talkers.map(async (talker) => {
        const own: string[] = [];
        for (let count = 0; count < 17; count += 1) {
          const text = `${talker.person.user} ${count}`;
          own.push(`${await talker.say(conversation, text)} ${text}`);
        }
        return own;
      }),
    )
  )
    .flat()
    .sort((one, other) => Number.parseInt(one, 10) - Number.parseInt(other, 10));
  await bob.person.client.call('conversation.send', { to: ann.person.user, text: 'for you' }, { key: randomUUID() });

  const device = await workplace.signIn(origin, 'Ann', { device: 'another' });
  const talks = conversations(device.client);
  const live: unknown[] = [];
  talks.on('message', (message) => live.push(message));
  device.client.connect();
  await vi.waitFor(() => expect(talks.loaded).toBe(true), WAIT);
  expect(talks.list).toMatchObject([
    { kind: 'direct', unread: 1, last: { data: { text: 'for you' } } },
    { conversation, last: { data: { text: said.at(-1)?.replace(/^\d+ /, '') } } },
  ]);

  const open = talks.open(conversation);
  const off = open.on('change', () => {});
  const texts = () => open.lines.flatMap((line) => (line.kind === 'message' ? [`${line.version} ${line.text}`] : []));
  await vi.waitFor(() => expect(open.state).toBe('open'), WAIT);
  expect(texts()).toEqual(said.slice(-50));
  expect(open.hasOlder).toBe(true);
  while (open.hasOlder) await open.load('older');
  expect(texts()).toEqual(said);
  // By its hello it got nothing of what was before.
  expect([live, device.messages]).toEqual([[], []]);
  off();
  talks.close();
}, 60_000);
