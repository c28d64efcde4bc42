/** Chat groups through a real gateway and the SDK: who is there, who was away, who is out. */
import { randomUUID } from 'node:crypto';
import { afterEach, expect, it, vi } from 'vitest';
import { Supervised, Workplace } from './im-process.js';
import { Person } from './person.js';

const WAIT = { timeout: 20_000, interval: 20 };

const workplace = new Workplace();
const people: Person[] = [];
afterEach(async () => {
  for (const { client } of people.splice(0)) client.close();
  await workplace.clear();
});

/** A person who opens what they are brought into, and remembers what was said there, with its versions. */
class Talker {
  readonly heard: string[] = [];
  readonly left: number[] = [];

  private constructor(readonly person: Person) {}

  static async connect(origin: string, name: string): Promise<Talker> {
    const talker = new Talker(await Person.signIn(origin, name));
    const { client } = talker.person;
    people.push(talker.person);
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
  const server = workplace.run(new Supervised([], await workplace.folder()));
  const origin = await vi.waitFor(() => {
    expect(server.origin, server.output).toBeDefined();
    return server.origin as string;
  }, WAIT);
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
