import { ImError } from '@im/protocol';
import { encodeJson } from '@im/rpc';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  effectsOf,
  type FixtureOptions,
  FREE_RATES,
  startWorkers,
  type WorkerFixture,
  withKey,
} from '../worker-fixture.js';
import { type GroupInfo, type GroupMember, INFO_FIELD, memberField } from './chat-group.js';
import { conversationDefinition } from './conversation-definition.js';

let fixture: WorkerFixture;
afterEach(() => fixture.close());

async function setUp(options: FixtureOptions = {}) {
  fixture = await startWorkers({ rates: FREE_RATES, ...options });
  for (const user of ['ann', 'bob', 'cat', 'dan']) fixture.watch(`u:${user}`);
}

const as = (user: string, extra = {}) => fixture.as(conversationDefinition, user, extra);

/** Ann's, with bob and cat in it. */
async function create(members = ['bob', 'cat'], options = {}) {
  const { conversation } = await as('ann').create({ name: 'Hikers', members, ...options }, withKey('ann', 'create'));
  fixture.watch(conversation);
  return conversation;
}

let keys = 0;
async function say(user: string, conversation: string, text: string) {
  keys += 1;
  return as(user).send({ conversation, text }, withKey(user, `say-${keys}`));
}

async function membersOf(conversation: string) {
  const { members } = await as('ann').members({ conversation, limit: 100 });
  return members.map(({ user, role }) => `${user} ${role}`);
}

async function seen(user: string, conversation: string) {
  const { entries } = await as(user).history({ conversation, after: 0, limit: 100 });
  return entries.map(({ event, data }) => (event === 'message' ? (data as { text: string }).text : event));
}

const notices = (user: string) =>
  fixture.deliveries
    .filter(({ group, event }) => group === `u:${user}` && ['conversation', '$kick'].includes(event))
    .map(({ event, body }) => {
      const { change, group } = JSON.parse(new TextDecoder().decode(body));
      return `${event} ${change ?? group}`;
    });

const UNKNOWN = { name: 'CONVERSATION_UNKNOWN' };
const FORBIDDEN = { name: 'FORBIDDEN' };

describe('a chat group', () => {
  it('is created with its members, who are told, and its creator is joined', async () => {
    await setUp();
    const { output, headers } = await as('ann').create.reply(
      { name: ' Hikers ', members: ['bob', 'cat', 'bob', 'ann'] },
      withKey('ann', 'k'),
    );
    const { conversation } = output;
    expect(output).toEqual({ conversation: expect.stringMatching(/^g:[\w-]{22}$/), refused: [] });
    expect(effectsOf(headers)).toEqual([{ type: 'join', group: conversation }]);
    expect(await membersOf(conversation)).toEqual(['ann owner', 'bob member', 'cat member']);
    for (const user of ['ann', 'bob', 'cat']) expect(notices(user)).toEqual(['conversation added']);
    expect(fixture.pushes('conversation')[0]).toMatchObject({ conversation, name: 'Hikers', by: { user: 'ann' } });
    expect((await as('bob').list()).conversations).toMatchObject([
      { conversation, kind: 'group', name: 'Hikers', members: 3, role: 'member', unread: 0, version: 1 },
    ]);
  });

  it('is there for a repeat that did not find it, while another worker was creating it', async () => {
    let isFirst = true;
    await setUp({
      wrapRecords: (records) => ({
        async get(owner, fields) {
          const found = await records.get(owner, fields);
          if (!owner.startsWith('g:') || !isFirst) return found;
          isFirst = false;
          const [name, since] = ['Hikers', 1];
          const info: GroupInfo = { name, count: 1, createdAt: since, history: 'joined', pending: [] };
          const ann: GroupMember = { role: 'owner', joined: 0, since, name: 'ANN' };
          await records.write(owner, [
            { field: INFO_FIELD, body: encodeJson(info) },
            { field: memberField('ann'), body: encodeJson(ann) },
          ]);
          await fixture.log.append(owner, { event: 'members', body: encodeJson({ added: ['ann'] }), time: since });
          return found;
        },
        page: (owner, range) => records.page(owner, range),
        write: (owner, changes) => records.write(owner, changes),
      }),
    });
    await create([]);
    expect(isFirst).toBe(false);
  });

  it('is created once however often the call is repeated, also by another worker', async () => {
    await setUp();
    const conversation = await create();
    await fixture.startAnother();
    for (let repeat = 0; repeat < 4; repeat += 1) expect(await create()).toBe(conversation);
    expect(notices('bob')).toEqual(['conversation added']);
    expect(await seen('bob', conversation)).toEqual(['members']);
  });

  it('stores a message once, whatever the number of members, for members alone', async () => {
    await setUp();
    const conversation = await create();
    fixture.deliveries.length = 0;
    expect(await say('bob', conversation, 'hello')).toMatchObject({ conversation, version: 2 });
    expect(fixture.deliveries.map(({ group, event, version }) => [group, event, version])).toEqual([
      [conversation, 'message', 2],
    ]);
    expect(await seen('cat', conversation)).toEqual(['members', 'hello']);
    await expect(say('dan', conversation, 'me too')).rejects.toMatchObject(UNKNOWN);
    await expect(as('dan').history({ conversation })).rejects.toMatchObject(UNKNOWN);
    await expect(as('dan').members({ conversation })).rejects.toMatchObject(UNKNOWN);
    await expect(as('dan').invite({ conversation, users: ['dan'] })).rejects.toMatchObject(UNKNOWN);
    await expect(as('dan').rename({ conversation, name: 'Mine' })).rejects.toMatchObject(UNKNOWN);
    await expect(as('dan').setRole({ conversation, user: 'dan', role: 'owner' })).rejects.toMatchObject(UNKNOWN);
    await expect(as('dan').remove({ conversation, user: 'ann' })).rejects.toMatchObject(UNKNOWN);
    await expect(as('bob', { product: 'p1' }).history({ conversation })).rejects.toMatchObject(UNKNOWN);
    const { output, headers } = await as('dan').open.reply({ conversations: [conversation] });
    expect([output.conversations, effectsOf(headers)]).toEqual([[], []]);
    expect(await as('dan').leave({ conversation })).toEqual({});
    expect((await as('dan').list()).conversations).toEqual([]);
    expect(await membersOf(conversation)).toHaveLength(3);
  });

  it('counts what is unread for each member, and shows the latest message', async () => {
    await setUp();
    const conversation = await create();
    await say('ann', conversation, 'one');
    const { version } = await say('bob', conversation, 'two');
    const unread = async (user: string) => (await as(user).list()).conversations[0]?.unread;
    expect([await unread('ann'), await unread('bob'), await unread('cat')]).toEqual([1, 0, 2]);
    await as('cat').read({ conversation, version });
    expect([await unread('ann'), await unread('cat')]).toEqual([1, 0]);
    await as('ann').rename({ conversation, name: 'Climbers' });
    expect((await as('cat').list()).conversations).toMatchObject([
      { name: 'Climbers', unread: 0, last: { version, data: { text: 'two' } }, version: 4 },
    ]);
  });
});

describe('who comes and goes', () => {
  it('may be brought in by any member, sees what was said since, and is told', async () => {
    await setUp();
    const conversation = await create();
    await say('ann', conversation, 'before');
    expect(await as('bob').invite({ conversation, users: ['dan', 'cat'] })).toEqual({ refused: [] });
    await say('ann', conversation, 'after');
    expect(notices('dan')).toEqual(['conversation added']);
    expect(notices('cat')).toEqual(['conversation added']);
    expect(await seen('dan', conversation)).toEqual(['members', 'after']);
    expect(await seen('cat', conversation)).toEqual(['members', 'before', 'members', 'after']);
    expect((await as('dan').list()).conversations).toMatchObject([{ unread: 1, members: 4 }]);
    await expect(as('dan').takeBack({ conversation, version: 2 })).rejects.toMatchObject({ name: 'MESSAGE_UNKNOWN' });
  });

  it('sees all that was said where the group shows it', async () => {
    await setUp();
    const conversation = await create(['bob'], { history: 'all' });
    await say('ann', conversation, 'before');
    await as('ann').invite({ conversation, users: ['dan'] });
    expect(await seen('dan', conversation)).toEqual(['members', 'before', 'members']);
  });

  it('is out when removed: told, put out of the group at every gateway, and nothing of it is shown or taken any more', async () => {
    await setUp();
    const conversation = await create();
    await as('ann').remove({ conversation, user: 'bob' });
    await as('ann').remove({ conversation, user: 'bob' });
    expect(notices('bob')).toEqual(['conversation added', 'conversation removed', `$kick ${conversation}`]);
    await expect(say('bob', conversation, 'still here')).rejects.toMatchObject(UNKNOWN);
    await expect(as('bob').history({ conversation })).rejects.toMatchObject(UNKNOWN);
    expect((await as('bob').list()).conversations).toEqual([]);
    expect((await as('bob').open()).conversations).toEqual([]);
    expect(await seen('cat', conversation)).toEqual(['members', 'members']);
    await as('cat').invite({ conversation, users: ['bob'] });
    await say('cat', conversation, 'welcome back');
    expect(await seen('bob', conversation)).toEqual(['members', 'welcome back']);
  });

  it('does not come back in by repeating a call that once let it in', async () => {
    await setUp();
    const conversation = await create();
    const key = withKey('bob', 'open');
    const before = await as('bob').open.reply({}, key);
    expect(effectsOf(before.headers)).toEqual([{ type: 'join', group: conversation }]);
    await as('ann').remove({ conversation, user: 'bob' });
    const repeated = await as('bob').open.reply({}, key);
    expect(effectsOf(repeated.headers)).toEqual([]);
    expect(repeated.output.conversations).toEqual([]);
  });

  it('is let in with nothing shown to it of what was said before, unless the group says so', async () => {
    await setUp();
    const conversation = await create();
    await say('ann', conversation, 'before');
    await as('ann').invite({ conversation, users: ['dan'] });
    const { headers } = await as('dan').open.reply({ conversations: [conversation] });
    // Behind what stood there when dan was invited: the creation and a message.
    expect(effectsOf(headers)).toEqual([{ type: 'join', group: conversation, after: 2 }]);
  });

  it('leaves with all devices, and hands the group on when it was theirs', async () => {
    await setUp();
    const conversation = await create();
    await as('ann').setRole({ conversation, user: 'cat', role: 'admin' });
    const { headers } = await as('ann').leave.reply({ conversation });
    expect(effectsOf(headers)).toEqual([{ type: 'leave', group: conversation }]);
    expect(notices('ann').slice(1)).toEqual(['conversation removed', `$kick ${conversation}`]);
    await expect(as('ann').members({ conversation })).rejects.toMatchObject(UNKNOWN);
    const { members } = await as('bob').members({ conversation });
    expect(members).toMatchObject([
      { user: 'bob', role: 'member' },
      { user: 'cat', role: 'owner' },
    ]);
    expect(fixture.pushes('members').at(-1)).toMatchObject({ left: 'ann', owner: 'cat' });
    await as('cat').leave({ conversation });
    await as('bob').leave({ conversation });
    await as('bob').leave({ conversation });
    await expect(as('bob').members({ conversation })).rejects.toMatchObject(UNKNOWN);
  });

  it('ends when the last one leaves, with all that was recorded of it, and comes back for nobody', async () => {
    await setUp();
    const conversation = await create(['bob']);
    const { version } = await say('bob', conversation, 'oops');
    await as('bob').takeBack({ conversation, version });
    await as('ann').leave({ conversation });
    await as('bob').leave({ conversation });
    expect(fixture.pushes('members').at(-1)).toMatchObject({ left: 'bob' });
    expect((await fixture.records.page(conversation, { prefix: '', limit: 100 })).records).toEqual([]);
    await fixture.startAnother();
    await expect(create(['bob'])).rejects.toMatchObject(UNKNOWN);
    expect(await as('bob').leave({ conversation })).toEqual({});
    expect((await as('ann').list()).conversations).toEqual([]);
  });

  it('opens all groups of a person, fifty a call, and says what they are called now', async () => {
    await setUp();
    for (let index = 0; index < 51; index += 1) {
      await as('ann').create({ name: `g${index}`, members: ['bob'] }, withKey('ann', `c${index}`));
    }
    const first = await as('bob').open.reply();
    expect([first.output.conversations.length, effectsOf(first.headers).length]).toEqual([50, 50]);
    const second = await as('bob').open.reply({ after: first.output.after });
    expect([second.output.conversations.length, second.output.after]).toEqual([1, undefined]);
    const [{ conversation } = { conversation: '' }] = second.output.conversations;
    const { members } = await as('ann').members({ conversation });
    expect(members.find(({ user }) => user === 'bob')?.name).toBe('BOB');
  });
});

describe('roles', () => {
  it('are given by the owner, who may make somebody else the owner', async () => {
    await setUp();
    const conversation = await create();
    await expect(as('bob').setRole({ conversation, user: 'cat', role: 'admin' })).rejects.toMatchObject(FORBIDDEN);
    await as('ann').setRole({ conversation, user: 'bob', role: 'admin' });
    await expect(as('bob').setRole({ conversation, user: 'cat', role: 'admin' })).rejects.toMatchObject(FORBIDDEN);
    await expect(as('ann').setRole({ conversation, user: 'dan', role: 'admin' })).rejects.toMatchObject({
      name: 'NOT_A_MEMBER',
    });
    await expect(as('ann').setRole({ conversation, user: 'ann', role: 'member' })).rejects.toMatchObject(FORBIDDEN);
    await as('ann').setRole({ conversation, user: 'bob', role: 'owner' });
    expect(await membersOf(conversation)).toEqual(['ann admin', 'bob owner', 'cat member']);
  });

  it('say who removes whom, who renames, and whose messages may be taken back', async () => {
    await setUp();
    const conversation = await create(['bob', 'cat', 'dan']);
    for (const user of ['bob', 'cat']) await as('ann').setRole({ conversation, user, role: 'admin' });
    await expect(as('dan').remove({ conversation, user: 'bob' })).rejects.toMatchObject(FORBIDDEN);
    await expect(as('bob').remove({ conversation, user: 'cat' })).rejects.toMatchObject(FORBIDDEN);
    await expect(as('bob').remove({ conversation, user: 'ann' })).rejects.toMatchObject(FORBIDDEN);
    await expect(as('dan').rename({ conversation, name: 'Mine' })).rejects.toMatchObject(FORBIDDEN);
    const { version } = await say('ann', conversation, 'the boss speaks');
    await expect(as('dan').takeBack({ conversation, version })).rejects.toMatchObject(FORBIDDEN);
    fixture.clock.advance(90_000_000);
    await as('bob').takeBack({ conversation, version });
    await as('bob').rename({ conversation, name: 'Climbers' });
    await as('bob').remove({ conversation, user: 'dan' });
    expect(await membersOf(conversation)).toEqual(['ann owner', 'bob admin', 'cat admin']);
    expect(fixture.pushes('renamed')).toMatchObject([{ name: 'Climbers', by: { user: 'bob' } }]);
  });
});

describe('limits of chat groups', () => {
  it('are 200 groups for a person, who is then refused, and 5,000 members', async () => {
    await setUp();
    for (let index = 0; index < 200; index += 1) {
      await as('dan').create({ name: `g${index}` }, withKey('dan', `c${index}`));
    }
    const conversation = await create(['bob', 'dan']);
    expect(await membersOf(conversation)).toEqual(['ann owner', 'bob member']);
    expect(await as('ann').invite({ conversation, users: ['dan', 'cat'] })).toEqual({ refused: ['dan'] });
    await expect(as('dan').create({ name: 'one more' }, withKey('dan', 'more'))).rejects.toMatchObject({
      name: 'TOO_MANY_CONVERSATIONS',
    });
    for (let from = 3; from < 5_000; from += 100) {
      const users = Array.from({ length: Math.min(100, 5_000 - from) }, (_, index) => `u${from + index}`);
      expect(await as('ann').invite({ conversation, users })).toEqual({ refused: [] });
    }
    const FULL = { name: 'CONVERSATION_FULL' };
    await expect(as('ann').invite({ conversation, users: ['u0'] })).rejects.toMatchObject(FULL);
    fixture.deliveries.length = 0;
    const { version } = await say('u4999', conversation, 'to five thousand');
    expect(fixture.deliveries.map(({ group }) => group)).toEqual([conversation]);
    expect((await as('bob').list()).conversations).toMatchObject([{ members: 5_000, unread: 1, version }]);
    await as('u4999').leave({ conversation });
    expect(await as('ann').invite({ conversation, users: ['u0'] })).toEqual({ refused: [] });
  });
});

describe('a change that was cut off', () => {
  /** Lets writes through until told to fail. */
  function breakable() {
    const broken = { publishing: false };
    const options: FixtureOptions = {
      wrapLog: (log) => ({
        head: (group) => log.head(group),
        read: (group, range) => log.read(group, range),
        append: async (group, entry) => {
          if (broken.publishing) throw new ImError('STORE_UNAVAILABLE');
          return log.append(group, entry);
        },
        appendMany: async (groups, entry) => {
          if (broken.publishing) throw new ImError('STORE_UNAVAILABLE');
          return log.appendMany(groups, entry);
        },
        close: () => log.close(),
      }),
    };
    return { broken, options };
  }

  it('is told by the repeat of the call, once', async () => {
    const { broken, options } = breakable();
    await setUp(options);
    const conversation = await create();
    broken.publishing = true;
    const invite = () => as('ann').invite({ conversation, users: ['dan'] });
    await expect(invite()).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
    broken.publishing = false;
    await invite();
    await invite();
    expect(notices('dan')).toEqual(['conversation added']);
    expect(await seen('ann', conversation)).toEqual(['members', 'members']);
    expect((await as('dan').open()).conversations).toMatchObject([{ conversation, members: 4 }]);
  });

  it('is told before the next change, and by a message some seconds later', async () => {
    const { broken, options } = breakable();
    await setUp(options);
    const conversation = await create();
    broken.publishing = true;
    await expect(as('ann').remove({ conversation, user: 'bob' })).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
    broken.publishing = false;
    await as('cat').invite({ conversation, users: ['dan'] });
    const told = () => fixture.pushes('members').map(({ added, removed }) => added ?? removed);
    expect(told()).toEqual([['bob'], ['dan']]);
    expect(notices('bob').slice(1)).toEqual(['conversation removed', `$kick ${conversation}`]);

    broken.publishing = true;
    await expect(as('ann').remove({ conversation, user: 'dan' })).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
    broken.publishing = false;
    await say('cat', conversation, 'at once');
    expect(told()).toHaveLength(2);
    fixture.clock.advance(5_001);
    await say('cat', conversation, 'later');
    await vi.waitFor(() => expect(told()).toEqual([['bob'], ['dan'], ['dan']]));
    await say('cat', conversation, 'later still');
    expect(told()).toHaveLength(3);
  });
});

describe('changes at the same time', () => {
  /** Two workers, which know nothing of each other. */
  async function setUpTwo() {
    await setUp();
    await fixture.startAnother();
  }

  it('of two who are given the owner’s place: one of them has it, and who gave it is refused the other', async () => {
    await setUpTwo();
    const conversation = await create();
    for (let round = 0; round < 10; round += 1) {
      const give = (user: string) => as('ann').setRole({ conversation, user, role: 'owner' });
      const [bob, cat] = await Promise.allSettled([give('bob'), give('cat')]);
      const [winner, loser] = bob.status === 'fulfilled' ? ['bob', cat] : ['cat', bob];
      expect([bob.status, cat.status].sort()).toEqual(['fulfilled', 'rejected']);
      expect(loser).toMatchObject({ reason: FORBIDDEN });
      const owners = (await membersOf(conversation)).filter((each) => each.endsWith('owner'));
      expect(owners).toEqual([`${winner} owner`]);
      await as(winner).setRole({ conversation, user: 'ann', role: 'owner' });
      await as('ann').setRole({ conversation, user: winner, role: 'member' });
    }
  });

  it('of an admin who removes somebody while being removed: it was done before, or it is refused', async () => {
    await setUpTwo();
    for (let round = 0; round < 10; round += 1) {
      const { conversation } = await as('ann').create(
        { name: 'two', members: ['bob', 'cat'] },
        withKey('ann', `round-${round}`),
      );
      await as('ann').setRole({ conversation, user: 'bob', role: 'admin' });
      const [first, second] = [
        () => as('ann').remove({ conversation, user: 'bob' }),
        () => as('bob').remove({ conversation, user: 'cat' }),
      ];
      const results = await Promise.allSettled(round % 2 === 0 ? [first(), second()] : [second(), first()].reverse());
      const [, byBob] = results;
      if (byBob?.status === 'rejected') expect(byBob.reason).toMatchObject(UNKNOWN);
      const expected = byBob?.status === 'rejected' ? ['ann owner', 'cat member'] : ['ann owner'];
      expect(await membersOf(conversation)).toEqual(expected);
    }
  });

  it('of one who is brought in while others write: sees nothing of what was said before being in', async () => {
    let release = () => {};
    const renamed = new Promise<void>((resolve) => (release = resolve));
    const isHeld = vi.fn();
    await setUp({
      wrapLog: (log) => ({
        head: (group) => log.head(group),
        read: (group, range) => log.read(group, range),
        append: async (group, entry) => {
          if (entry.event === 'renamed') {
            isHeld();
            await renamed;
          }
          return log.append(group, entry);
        },
        appendMany: (groups, entry) => log.appendMany(groups, entry),
        close: () => log.close(),
      }),
    });
    const conversation = await create();
    const renaming = as('ann').rename({ conversation, name: 'Climbers' });
    await vi.waitFor(() => expect(isHeld).toHaveBeenCalled());
    // Waits for its turn.
    const inviting = as('bob').invite({ conversation, users: ['dan'] });
    await vi.waitFor(async () => expect((await fixture.records.get('u:dan', [`c.${conversation}`])).size).toBe(1));
    await say('cat', conversation, 'not for dan');
    release();
    await Promise.all([renaming, inviting]);
    expect(await seen('dan', conversation)).toEqual(['members']);
  });

  it('of many who invite, leave and are removed: who was acknowledged last is in, and everybody knows the same', async () => {
    await setUpTwo();
    const conversation = await create();
    const users = Array.from({ length: 20 }, (_, index) => `u${index}`);
    await Promise.all(users.map((user) => as('ann').invite({ conversation, users: [user] })));
    await Promise.all([
      ...users.slice(0, 10).map((user) => as(user).leave({ conversation })),
      ...users.slice(5, 15).map((user) => as('ann').remove({ conversation, user })),
      as('bob').invite({ conversation, users: ['dan'] }),
    ]);
    const expected = ['ann', 'bob', 'cat', 'dan', ...users.slice(15)].sort();
    const { members } = await as('ann').members({ conversation, limit: 100 });
    expect(members.map(({ user }) => user)).toEqual(expected);
    const { conversations } = await as('ann').list();
    expect(conversations).toMatchObject([{ members: expected.length }]);
    for (const user of [...users, 'dan']) {
      expect((await as(user).list()).conversations).toHaveLength(expected.includes(user) ? 1 : 0);
    }
    // The log tells the same story.
    const inGroup = new Set<string>();
    for (const { added = [], removed = [], left } of fixture.pushes('members')) {
      for (const user of added) inGroup.add(user);
      for (const user of [...removed, left]) inGroup.delete(user);
    }
    expect([...inGroup, 'ann', 'bob', 'cat'].sort()).toEqual(expected);
  });
});
