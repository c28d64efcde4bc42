import { type CallerContext, ImError } from '@im/protocol';
import { encodeJson } from '@im/rpc';
import { createMemoryRecordStore } from '@im/timeline/memory';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type FixtureOptions, FREE_RATES, startWorkers, type WorkerFixture, withKey } from '../worker-fixture.js';
import { conversationDefinition } from './conversation-definition.js';
import { GroupIndex } from './group-index.js';

const UNAVAILABLE = { name: 'STORE_UNAVAILABLE' };

let fixture: WorkerFixture;
afterEach(() => fixture?.close());

/** Logs that cannot be appended to as long as they are named. */
async function setUp() {
  const away = new Set<string>();
  const appended: string[] = [];
  const options: FixtureOptions = {
    wrapLog: (log) => ({
      head: (group) => log.head(group),
      read: (group, range) => log.read(group, range),
      append: async (group, entry) => {
        if (away.has(group)) throw new ImError('STORE_UNAVAILABLE');
        appended.push(`${group} ${entry.event}`);
        return log.append(group, entry);
      },
      appendMany: async (groups, entry) => {
        const done = new Map(
          await log.appendMany(
            groups.filter((group) => !away.has(group)),
            entry,
          ),
        );
        for (const group of groups) if (away.has(group)) done.set(group, new ImError('STORE_UNAVAILABLE'));
        return done;
      },
      close: () => log.close(),
    }),
  };
  fixture = await startWorkers({ rates: FREE_RATES, ...options });
  return { away, appended };
}

const as = (user: string) => fixture.as(conversationDefinition, user);

async function create(members: readonly string[]) {
  const { conversation } = await as('ann').create({ name: 'Hikers', members: [...members] }, withKey('ann', 'create'));
  fixture.watch(conversation);
  return conversation;
}

async function noticesOf(user: string) {
  const { entries } = await fixture.log.read(`u:${user}`, { after: 0, limit: 100 });
  return entries.map(({ event, body }) => {
    return event === '$kick' ? event : (JSON.parse(new TextDecoder().decode(body)).change as string);
  });
}

/** As many records as one owner may have. */
async function fill(records: { write: WorkerFixture['records']['write'] }, user: string): Promise<void> {
  for (let from = 0; from < 10_000; from += 250) {
    const fields = Array.from({ length: 250 }, (_, index) => ({ field: `c.d:${from + index}`, body: encodeJson({}) }));
    await records.write(`u:${user}`, fields);
  }
}

describe('somebody who has no room for another record', () => {
  it('creates no group, and is refused where others are brought in', async () => {
    await setUp();
    await fill(fixture.records, 'mal');
    await expect(as('mal').create({ name: 'Trap', members: ['bob'] }, withKey('mal', 'k'))).rejects.toMatchObject({
      name: 'TOO_MANY_CONVERSATIONS',
    });
    const { refused } = await as('ann').create({ name: 'Hikers', members: ['mal', 'bob'] }, withKey('ann', 'k'));
    expect(refused).toEqual(['mal']);
    expect((await as('bob').list()).conversations).toMatchObject([{ members: 2 }]);
  });

  it('keeps nobody else from hearing of a change', async () => {
    const records = createMemoryRecordStore();
    await fill(records, 'mal');
    await records.write('g:1', [{ field: 'm.mal', body: encodeJson({ role: 'member', joined: 0, since: 1 }) }]);
    await expect(new GroupIndex(records).follow({ user: 'ann' } as CallerContext, 'g:1', 'mal')).resolves.toBe(
      undefined,
    );
  });
});

describe('a group in which somebody cannot be told of a change', () => {
  it('tells everybody else, and goes on for all: messages, history, lists, changes by others', async () => {
    const { away } = await setUp();
    const conversation = await create(['bob', 'cat']);
    away.add('u:dan');
    const invite = as('ann').invite({ conversation, users: ['dan', 'eve'] });
    await expect(invite).rejects.toMatchObject(UNAVAILABLE);
    const failures = () => fixture.logger.records.filter(({ message }) => message.startsWith('changes of a group'));
    expect(await noticesOf('eve')).toEqual(['added']);
    for (let times = 0; times < 3; times += 1) {
      fixture.clock.advance(5_001);
      await as('bob').send({ conversation, text: 'hi' }, withKey('bob', `k${times}`));
      expect((await as('cat').history({ conversation })).version).toBe(3 + times);
      expect((await as('cat').list()).conversations).toHaveLength(1);
      expect((await as('cat').open()).conversations).toHaveLength(1);
      await vi.waitFor(() => expect(failures()).toHaveLength(times + 1));
    }
    await as('cat').leave({ conversation });
    expect(await noticesOf('cat')).toEqual(['added', 'removed', '$kick']);

    away.clear();
    fixture.clock.advance(5_001);
    await as('bob').history({ conversation });
    await vi.waitFor(async () => expect(await noticesOf('dan')).toEqual(['added']));
  });

  it('tells that person nothing later before it', async () => {
    const { away } = await setUp();
    const conversation = await create(['bob']);
    away.add('u:dan');
    await expect(as('ann').invite({ conversation, users: ['dan'] })).rejects.toMatchObject(UNAVAILABLE);
    await expect(as('ann').remove({ conversation, user: 'dan' })).rejects.toMatchObject(UNAVAILABLE);
    away.clear();
    await as('ann').remove({ conversation, user: 'dan' });
    expect(await noticesOf('dan')).toEqual(['added', 'removed', '$kick']);
  });
});

it('has a change that was cut off told once, however many come by at the same time', async () => {
  const { away, appended } = await setUp();
  const users = Array.from({ length: 100 }, (_, index) => `u${index}`);
  const conversation = await create(users);
  await fixture.startAnother();
  away.add(conversation);
  await expect(as('ann').invite({ conversation, users: ['dan'] })).rejects.toMatchObject(UNAVAILABLE);
  away.clear();
  fixture.clock.advance(5_001);
  appended.length = 0;
  await Promise.all(users.map((user) => as(user).history({ conversation })));
  await vi.waitFor(async () => expect(await noticesOf('dan')).toEqual(['added']));
  await Promise.all(users.map((user) => as(user).history({ conversation })));
  expect(appended).toEqual([`${conversation} members`]);
});
