import { ImError } from '@im/protocol';
import { encodeJson } from '@im/rpc';
import { afterEach, expect, it } from 'vitest';
import { type FixtureOptions, FREE_RATES, startWorkers, type WorkerFixture, withKey } from '../worker-fixture.js';
import { conversationDefinition } from './conversation-definition.js';
import { directConversation } from './conversation-id.js';

let fixture: WorkerFixture;
afterEach(() => fixture.close());

/** Logs and records of those that are named cannot be reached. */
async function setUp() {
  const away = new Set<string>();
  const reach = (group: string) => {
    if (away.has(group)) throw new ImError('STORE_UNAVAILABLE');
  };
  const options: FixtureOptions = {
    wrapLog: (log) => ({
      head: (group) => log.head(group),
      read: async (group, range) => {
        reach(group);
        return log.read(group, range);
      },
      append: (group, entry) => log.append(group, entry),
      appendMany: (groups, entry) => log.appendMany(groups, entry),
      close: () => log.close(),
    }),
    wrapRecords: (records) => ({
      get: async (owner, fields) => {
        reach(owner);
        return records.get(owner, fields);
      },
      page: (owner, range) => records.page(owner, range),
      write: (owner, changes) => records.write(owner, changes),
    }),
  };
  fixture = await startWorkers({ rates: FREE_RATES, ...options });
  return { away };
}

const as = (user: string) => fixture.as(conversationDefinition, user);

async function create(name: string, members: readonly string[] = ['bob']) {
  fixture.clock.advance(1);
  return (await as('ann').create({ name, members: [...members] }, withKey('ann', name))).conversation;
}

async function write(from: string, to: string, text: string) {
  fixture.clock.advance(1);
  return as(from).send({ to, text }, withKey(from, text));
}

it('leaves out what cannot be reached, and says so; so does opening', async () => {
  const { away } = await setUp();
  const [first, second] = [await create('first'), await create('second')];
  const { conversation } = await write('cat', 'bob', 'from cat');
  await write('dan', 'bob', 'from dan');
  for (const each of [first, conversation]) away.add(each);
  const list = await as('bob').list();
  expect(list.conversations).toMatchObject([{ peer: { user: 'dan' } }, { conversation: second }]);
  expect([list.before, list.unavailable?.sort()]).toEqual([undefined, [first, conversation].sort()]);
  expect(await as('bob').open()).toMatchObject({ conversations: [{ conversation: second }], unavailable: [first] });

  away.clear();
  const whole = await as('bob').list();
  expect([whole.conversations.length, whole.unavailable]).toEqual([4, undefined]);
});

it('fails where what is the person’s own cannot be reached', async () => {
  const { away } = await setUp();
  await write('cat', 'bob', 'hi');
  away.add('u:bob');
  await expect(as('bob').list()).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
});

it('goes on past events of backends that are no messages, or none of this person', async () => {
  await setUp();
  await write('cat', 'bob', 'hi');
  const conversation = directConversation('bob', 'cat');
  const at = 7;
  for (const body of [
    encodeJson(null),
    encodeJson(undefined),
    encodeJson('text'),
    Uint8Array.of(0xff, 0xfe),
    encodeJson({ conversation: 7, version: 1, from: { user: 'cat' }, to: 'bob', at }),
    encodeJson({ conversation, version: 1, from: null, to: 'bob', at }),
    encodeJson({ conversation, version: 1, from: { user: 'c/at' }, to: 'bob', at }),
    encodeJson({ conversation: directConversation('bob', 'bob'), version: 1, from: { user: 'bob' }, to: 'bob', at }),
    encodeJson({ conversation: directConversation('ann', 'cat'), version: 1, from: { user: 'ann' }, to: 'cat', at }),
  ]) {
    await fixture.log.append('u:bob', { event: 'message', body, time: 1 });
    await fixture.log.append(conversation, { event: 'message', body, time: 1 });
  }
  const { conversations } = await as('bob').list();
  expect(conversations).toMatchObject([{ peer: { user: 'cat', name: 'CAT' } }]);
  expect((await as('bob').history({ conversation, limit: 100 })).entries).toHaveLength(10);
});

it('tells nothing of a group that its person is in no longer, not even by where a page ends', async () => {
  await setUp();
  const left = await create('left', ['cat']);
  await write('cat', 'bob', 'hi');
  const stays = await create('stays');
  // As it is when a worker dies between the two: listed, and not in it.
  await fixture.records.write('u:bob', [{ field: `c.${left}`, body: encodeJson({}), revision: 0 }]);
  fixture.clock.advance(1_000);
  const { at } = await as('cat').send({ conversation: left, text: 'among us' }, withKey('cat', 'k'));
  const page = await as('bob').list({ limit: 1 });
  expect(page.conversations).toMatchObject([{ conversation: stays }]);
  expect(page.before).not.toContain(`${at}`);
  expect((await fixture.records.get('u:bob', [`c.${left}`])).size).toBe(0);
});

it('dates a group of which nothing is kept any more by when its person came', async () => {
  await setUp();
  fixture.clock.advance(50_000);
  const since = fixture.clock.now();
  await fixture.records.write('g:old', [
    {
      field: 'info',
      body: encodeJson({ name: 'Old', count: 1, createdAt: since, history: 'joined', pending: [] }),
    },
    { field: 'm.bob', body: encodeJson({ role: 'owner', joined: 0, since }) },
  ]);
  await fixture.records.write('u:bob', [{ field: 'c.g:old', body: encodeJson({}) }]);
  expect((await as('bob').list()).conversations).toMatchObject([{ conversation: 'g:old', at: since }]);
});
