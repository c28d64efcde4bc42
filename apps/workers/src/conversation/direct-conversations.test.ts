import { ImError } from '@im/protocol';
import { encodeJson } from '@im/rpc';
import type { NewEntry } from '@im/timeline';
import { afterEach, describe, expect, it } from 'vitest';
import { type FixtureOptions, FREE_RATES, startWorkers, type WorkerFixture, withKey } from '../worker-fixture.js';
import { conversationDefinition } from './conversation-definition.js';
import { directConversation } from './conversation-id.js';

const DAY_MS = 86_400_000;

let fixture: WorkerFixture;
afterEach(() => fixture.close());

async function setUp(options: FixtureOptions = {}) {
  fixture = await startWorkers({ rates: FREE_RATES, ...options });
  for (const user of ['ann', 'bob', 'cat']) fixture.watch(`u:${user}`);
}

const as = (user: string, extra = {}) => fixture.as(conversationDefinition, user, extra);

async function write(from: string, to: string, text: string, key = text) {
  return as(from).send({ to, text }, withKey(from, key));
}

async function texts(user: string, peer: string) {
  const { entries } = await as(user).history({ with: peer, limit: 100 });
  return entries.map(({ data }) => (data as { text?: string }).text);
}

describe('sending to somebody', () => {
  it('puts the message into the conversation, and a notice with all of it into the logs of both', async () => {
    await setUp();
    const sent = await write('ann', 'bob', 'hello\nBob');
    expect(sent).toMatchObject({ conversation: directConversation('bob', 'ann'), version: 1 });
    expect(sent.id).toMatch(/^[1-9]\d{0,18}$/);
    const data = { id: sent.id, from: { user: 'ann', name: 'ANN' }, to: 'bob', text: 'hello\nBob', at: sent.at };
    expect(fixture.deliveries.map(({ group, lane, version }) => ({ group, lane, version }))).toEqual([
      { group: 'u:bob', lane: 'priority', version: 1 },
      { group: 'u:ann', lane: 'priority', version: 1 },
    ]);
    const notice = { ...data, conversation: sent.conversation, version: 1 };
    expect(fixture.pushes('message')).toEqual([notice, notice]);
    expect((await as('bob').history({ with: 'ann' })).entries).toEqual([{ version: 1, event: 'message', data }]);
  });

  it('goes by the id of the conversation as well, once something was said in it', async () => {
    await setUp();
    const { conversation } = await write('ann', 'bob', 'by id?');
    expect(await as('bob').send({ conversation, text: 'yes' }, withKey('bob', 'k'))).toMatchObject({ version: 2 });
    expect(fixture.pushes('message').at(-1)).toMatchObject({ from: { user: 'bob' }, to: 'ann', text: 'yes' });
  });

  it('is refused without key, to oneself, with an unfit text, to nobody or to two', async () => {
    await setUp();
    await expect(as('ann').send({ to: 'bob', text: 'hi' })).rejects.toMatchObject({ name: 'KEY_REQUIRED' });
    await expect(write('ann', 'ann', 'hi')).rejects.toMatchObject({ name: 'MESSAGE_TO_SELF' });
    await expect(write('ann', 'bob', ' ')).rejects.toMatchObject({ name: 'TEXT_REFUSED' });
    await expect(write('ann', 'bob', 'y'.repeat(2_001), 'a key')).rejects.toMatchObject({ name: 'TEXT_REFUSED' });
    const INVALID = { name: 'INVALID_INPUT' };
    await expect(write('ann', 'b/ob', 'hi', 'another key')).rejects.toMatchObject(INVALID);
    await expect(as('ann').send({ text: 'hi' }, withKey('ann', '3'))).rejects.toMatchObject(INVALID);
    const two = { to: 'bob', conversation: directConversation('ann', 'bob'), text: 'hi' };
    await expect(as('ann').send(two, withKey('ann', '4'))).rejects.toMatchObject(INVALID);
    expect(fixture.deliveries).toEqual([]);
  });

  it('is slowed down towards somebody who does not answer, and only there', async () => {
    await setUp({ rates: { ...FREE_RATES, unanswered: { perSecond: 0.1, burst: 3 } } });
    for (const text of ['1', '2', '3']) await write('ann', 'bob', text);
    const TOO_FAST = { name: 'TOO_FAST', details: { retryAfterMs: 10_000 } };
    await expect(write('ann', 'bob', '4')).rejects.toMatchObject(TOO_FAST);
    await write('ann', 'cat', 'to cat');
    fixture.clock.advance(10_000);
    await write('ann', 'bob', '5');
    await expect(write('ann', 'bob', '6')).rejects.toMatchObject(TOO_FAST);
    await write('bob', 'ann', 'here I am');
    for (const text of ['7', '8', '9']) await write('ann', 'bob', text);
    expect(await texts('bob', 'ann')).toEqual(['9', '8', '7', 'here I am', '5', '3', '2', '1']);
  });

  it('happens once however often the call is repeated', async () => {
    await setUp();
    const first = await write('ann', 'bob', 'once', 'k');
    fixture.clock.advance(60_000);
    expect(await Promise.all([write('ann', 'bob', 'once', 'k'), write('ann', 'bob', 'changed', 'k')])).toEqual([
      first,
      first,
    ]);
    expect(fixture.pushes('message').map(({ text }) => text)).toEqual(['once', 'once']);
  });

  it('fails when a notice could not be stored, and the repeat completes it with the message as it was first written', async () => {
    let broken = true;
    await setUp({
      wrapLog: (log) => ({
        head: (group) => log.head(group),
        read: (group, range) => log.read(group, range),
        append: (group, entry) => log.append(group, entry),
        async appendMany(groups: readonly string[], entry: NewEntry) {
          const appended = new Map(
            await log.appendMany(broken ? groups.filter((group) => group !== 'u:bob') : groups, entry),
          );
          if (broken) appended.set('u:bob', new ImError('STORE_UNAVAILABLE'));
          return appended;
        },
        close: () => log.close(),
      }),
    });
    await expect(write('ann', 'bob', 'first words', 'k')).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
    fixture.clock.advance(5_000);
    broken = false;
    const { id, at } = await write('ann', 'bob', 'other words', 'k');
    expect(fixture.pushes('message').map(({ text, to }) => [text, to])).toEqual([
      ['first words', 'bob'],
      ['first words', 'bob'],
    ]);
    expect(fixture.deliveries.map(({ group }) => group)).toEqual(['u:ann', 'u:bob']);
    expect(fixture.pushes('message').map((one) => [one.id, one.at])).toEqual([
      [id, at],
      [id, at],
    ]);
  });
});

describe('the history of a conversation', () => {
  it('is read both ways, page by page, to its ends', async () => {
    await setUp();
    for (let index = 1; index <= 5; index += 1)
      await write(index % 2 ? 'ann' : 'bob', index % 2 ? 'bob' : 'ann', `m${index}`);
    const pages: (number[] | undefined)[] = [];
    let page = await as('ann').history({ with: 'bob', limit: 2 });
    for (;;) {
      pages.push(page.entries.map(({ version }) => version));
      if (page.before === undefined) break;
      page = await as('ann').history({ with: 'bob', limit: 2, before: page.before });
    }
    expect(pages).toEqual([[5, 4], [3, 2], [1]]);
    const first = await as('bob').history({ with: 'ann', limit: 3, after: 0 });
    expect([first.entries.map(({ version }) => version), first.after]).toEqual([[1, 2, 3], 3]);
    const rest = await as('bob').history({ with: 'ann', limit: 3, after: 3 });
    expect([rest.entries.map(({ version }) => version), rest.after, rest.version]).toEqual([[4, 5], undefined, 5]);
  });

  it('is empty between strangers, and never another pair’s, whatever id is named', async () => {
    await setUp();
    const { conversation } = await write('ann', 'bob', 'secret');
    for (const peer of ['ann', 'bob']) expect(await texts('cat', peer)).toEqual([]);
    expect((await as('ann', { product: 'p1' }).history({ with: 'bob' })).entries).toEqual([]);
    const UNKNOWN = { name: 'CONVERSATION_UNKNOWN' };
    for (const other of [as('cat'), as('ann', { product: 'p1' })]) {
      await expect(other.history({ conversation })).rejects.toMatchObject(UNKNOWN);
      await expect(other.send({ conversation, text: 'me too' }, withKey('cat', 'k'))).rejects.toMatchObject(UNKNOWN);
      await expect(other.read({ conversation, version: 1 })).rejects.toMatchObject(UNKNOWN);
      await expect(other.mute({ conversation, muted: true })).rejects.toMatchObject(UNKNOWN);
      await expect(other.forget({ conversation, upTo: 1 })).rejects.toMatchObject(UNKNOWN);
      await expect(other.takeBack({ conversation, version: 1 })).rejects.toMatchObject(UNKNOWN);
      await expect(other.members({ conversation })).rejects.toMatchObject(UNKNOWN);
      expect((await other.open({ conversations: [conversation] })).conversations).toEqual([]);
    }
    await expect(as('ann').history({ conversation: 'd:unheard-of' })).rejects.toMatchObject(UNKNOWN);
    await expect(as('ann').history({ conversation: 'u:bob' })).rejects.toMatchObject({ name: 'INVALID_INPUT' });
  });
});

describe('the list of conversations', () => {
  it('is newest first, with the name of the peer once known, and what is unread', async () => {
    await setUp();
    await write('ann', 'bob', 'a1');
    await write('cat', 'ann', 'c1');
    await write('cat', 'ann', 'c2');
    fixture.clock.advance(1);
    await write('ann', 'bob', 'a2');
    const { conversations, before } = await as('ann').list();
    expect(conversations).toMatchObject([
      { kind: 'direct', peer: { user: 'bob' }, last: { version: 2, data: { text: 'a2' } }, unread: 0, version: 2 },
      { peer: { user: 'cat', name: 'CAT' }, last: { data: { text: 'c2' } }, unread: 2, read: 0, muted: false },
    ]);
    expect([conversations.length, before]).toEqual([2, undefined]);
    expect((await as('dan').list()).conversations).toEqual([]);
  });

  it('comes in pages, each conversation once, also when some go on meanwhile', async () => {
    await setUp();
    const peers = ['p1', 'p2', 'p3', 'p4', 'p5'];
    for (const peer of [...peers, ...peers]) {
      fixture.clock.advance(1);
      await write(peer, 'ann', `from ${peer}`, `${fixture.clock.now()}`);
    }
    const seen: (string | undefined)[] = [];
    let before: string | undefined;
    do {
      const page = await as('ann').list({ limit: 2, ...(before !== undefined && { before }) });
      seen.push(...page.conversations.map(({ peer }) => peer?.user));
      before = page.before;
      await write('ann', 'p5', 'meanwhile', `${before}`);
    } while (before !== undefined);
    expect(seen).toEqual(['p5', 'p4', 'p3', 'p2', 'p1']);
    await expect(as('ann').list({ before: 'made up' })).rejects.toMatchObject({ name: 'INVALID_INPUT' });
  });

  it('finds conversations behind many messages of one talkative peer, on a later page', async () => {
    await setUp();
    await write('cat', 'ann', 'early');
    for (let index = 0; index < 2_100; index += 1) await write('bob', 'ann', `b${index}`);
    const first = await as('ann').list();
    expect(first.conversations).toMatchObject([{ last: { data: { text: 'b2099' } }, unread: 100 }]);
    const second = await as('ann').list({ before: first.before });
    expect(second).toMatchObject({ conversations: [{ last: { data: { text: 'early' } } }] });
    expect(second.before).toBeUndefined();
  });

  it('counts what is unread exactly to 99', async () => {
    await setUp();
    const unread = async () => (await as('ann').list()).conversations[0]?.unread;
    for (let index = 1; index <= 99; index += 1) await write('bob', 'ann', `b${index}`);
    expect(await unread()).toBe(99);
    await write('bob', 'ann', 'b100');
    expect(await unread()).toBe(100);
    await as('ann').read({ conversation: directConversation('ann', 'bob'), version: 40 });
    expect(await unread()).toBe(60);
  });

  it('has what stands before one’s own message as read', async () => {
    await setUp();
    for (const text of ['b1', 'b2']) await write('bob', 'ann', text);
    await write('ann', 'bob', 'mine');
    expect((await as('ann').list()).conversations).toMatchObject([{ unread: 0, read: 3 }]);
    await write('bob', 'ann', 'b3');
    expect((await as('ann').list()).conversations).toMatchObject([{ unread: 1, read: 3 }]);
  });

  it('knows what was taken back where the worker died before it said so, and believes no entry that says so of itself', async () => {
    await setUp();
    const { conversation } = await write('bob', 'ann', 'b1');
    await write('bob', 'ann', 'b2');
    await fixture.records.write(conversation, [{ field: 't.0', body: encodeJson([2]) }]);
    await fixture.log.append(conversation, { event: 'taken-back', body: encodeJson({ of: 1 }), time: 1 });
    const { conversations } = await as('ann').list();
    expect(conversations).toMatchObject([{ unread: 1, last: { version: 2, data: { takenBack: true } } }]);
    expect(JSON.stringify(conversations)).not.toContain('b2');
    await expect(as('ann').takeBack({ conversation, version: 2 })).rejects.toMatchObject({ name: 'FORBIDDEN' });
    fixture.clock.advance(DAY_MS + 1);
    expect(await as('bob').takeBack({ conversation, version: 2 })).toEqual({ version: 4 });
  });

  it('looks at a bounded number of entries, and is not asked for without end', async () => {
    let read = 0;
    await setUp({
      rates: { ...FREE_RATES, look: { perSecond: 1, burst: 3 } },
      wrapLog: (log) => ({
        head: (group) => log.head(group),
        async read(group, range) {
          const page = await log.read(group, range);
          if (group.startsWith('d:')) read += page.entries.length;
          return page;
        },
        append: (group, entry) => log.append(group, entry),
        appendMany: (groups, entry) => log.appendMany(groups, entry),
        close: () => log.close(),
      }),
    });
    for (let index = 0; index < 600; index += 1) await write('ann', 'bob', `a${index}`);
    expect((await as('ann').list()).conversations).toMatchObject([{ peer: { user: 'bob' }, unread: 0 }]);
    expect(read).toBeLessThanOrEqual(200);
    await as('ann').history({ with: 'bob' });
    await as('ann').open();
    await expect(as('ann').list()).rejects.toMatchObject({ name: 'TOO_FAST' });
    fixture.clock.advance(1_000);
    await as('ann').list();
    await expect(as('ann').members({ conversation: 'g:x' })).rejects.toMatchObject({ name: 'TOO_FAST' });
  });
});

describe('what somebody sets in a conversation', () => {
  it('is theirs alone, is told to their devices, and a read position never goes back', async () => {
    await setUp();
    const { conversation } = await write('bob', 'ann', 'one');
    await write('bob', 'ann', 'two');
    await write('bob', 'cat', 'to cat');
    expect(await as('ann').read({ conversation, version: 2 })).toEqual({ read: 2 });
    expect(await as('ann').read({ conversation, version: 1 })).toEqual({ read: 2 });
    await as('ann').mute({ conversation, muted: true });
    expect((await as('ann').list()).conversations).toMatchObject([{ unread: 0, read: 2, muted: true }]);
    expect((await as('cat').list()).conversations).toMatchObject([{ unread: 1, read: 0, muted: false }]);
    const told = fixture.deliveries.filter(({ lane }) => lane === 'normal').map(({ group, event }) => [group, event]);
    expect(told).toEqual([
      ['u:ann', 'read'],
      ['u:ann', 'read'],
      ['u:ann', 'mute'],
    ]);
    expect(fixture.pushes('read')).toEqual([
      { conversation, read: 2 },
      { conversation, read: 2 },
    ]);
  });

  it('is refused beyond what was written', async () => {
    await setUp();
    const { conversation } = await write('bob', 'ann', 'one');
    const AHEAD = { name: 'POSITION_AHEAD', details: { version: 1 } };
    await expect(as('ann').read({ conversation, version: 2 })).rejects.toMatchObject(AHEAD);
    await expect(as('ann').forget({ conversation, upTo: 2 })).rejects.toMatchObject(AHEAD);
    await expect(as('ann').forget({ conversation, versions: [1, 9] })).rejects.toMatchObject(AHEAD);
  });

  it('hides what was deleted from one of the two, and the conversation until something new is said', async () => {
    await setUp();
    const { conversation } = await write('bob', 'ann', 'one');
    for (const text of ['two', 'three', 'four']) await write('bob', 'ann', text);
    await as('ann').forget({ conversation, versions: [4, 2] });
    expect(await texts('ann', 'bob')).toEqual(['three', 'one']);
    expect(await texts('bob', 'ann')).toEqual(['four', 'three', 'two', 'one']);
    expect((await as('ann').list()).conversations).toMatchObject([{ unread: 2, last: { data: { text: 'three' } } }]);
    await as('ann').forget({ conversation, upTo: 4 });
    expect((await as('ann').list()).conversations).toEqual([]);
    expect((await as('bob').list()).conversations).toHaveLength(1);
    await write('bob', 'ann', 'five');
    expect((await as('ann').list()).conversations).toMatchObject([{ unread: 1, last: { data: { text: 'five' } } }]);
    expect(await as('ann').history({ conversation })).toMatchObject({ entries: [{ version: 5 }] });
  });

  it('keeps a bounded number of single deletions', async () => {
    await setUp();
    const { conversation } = await write('bob', 'ann', 'm0');
    for (let index = 1; index < 520; index += 1) await write('bob', 'ann', `m${index}`);
    const even = Array.from({ length: 256 }, (_, index) => 2 + 2 * index);
    await as('ann').forget({ conversation, versions: even });
    await expect(as('ann').forget({ conversation, versions: [519] })).rejects.toMatchObject({
      name: 'TOO_MANY_FORGOTTEN',
    });
    await as('ann').forget({ conversation, upTo: 10 });
    await as('ann').forget({ conversation, versions: [519] });
    expect(await texts('ann', 'bob')).not.toContain('m518');
  });
});

describe('taking a message back', () => {
  it('hides its text from then on, tells both, and counts no longer as unread', async () => {
    await setUp();
    const { conversation } = await write('ann', 'bob', 'oops');
    await write('ann', 'bob', 'hello');
    expect(await as('ann').takeBack({ conversation, version: 1 })).toEqual({ version: 3 });
    expect(await as('ann').takeBack({ conversation, version: 1 })).toEqual({ version: 3 });
    const notices = fixture.deliveries.filter(({ event }) => event === 'taken-back').map(({ group }) => group);
    expect(notices).toEqual(['u:bob', 'u:ann']);
    expect(fixture.pushes('taken-back')[0]).toMatchObject({ conversation, version: 3, of: 1, by: { user: 'ann' } });
    const { entries } = await as('bob').history({ conversation });
    expect(entries).toMatchObject([
      { version: 3, event: 'taken-back', data: { of: 1 } },
      { version: 2, data: { text: 'hello' } },
      { version: 1, data: { from: { user: 'ann' }, takenBack: true } },
    ]);
    expect(JSON.stringify(entries)).not.toContain('oops');
    expect((await as('bob').list()).conversations).toMatchObject([{ unread: 1, last: { version: 2 }, version: 3 }]);
  });

  it('is for the author, within a day, of messages that are there', async () => {
    await setUp();
    const { conversation } = await write('ann', 'bob', 'mine');
    await expect(as('bob').takeBack({ conversation, version: 1 })).rejects.toMatchObject({ name: 'FORBIDDEN' });
    await expect(as('ann').takeBack({ conversation, version: 2 })).rejects.toMatchObject({ name: 'MESSAGE_UNKNOWN' });
    fixture.clock.advance(DAY_MS + 1);
    await expect(as('ann').takeBack({ conversation, version: 1 })).rejects.toMatchObject({ name: 'TOO_LATE' });
    expect(await texts('bob', 'ann')).toEqual(['mine']);
  });
});

it('names a conversation the same from both sides, and different for every pair', () => {
  expect(directConversation('ann', 'bob')).toBe(directConversation('bob', 'ann'));
  expect(directConversation('ann', 'bob')).not.toBe(directConversation('ann', 'bo'));
  expect(directConversation('a', 'nnbob')).not.toBe(directConversation('ann', 'bob'));
  expect(directConversation('ann', 'bob')).toMatch(/^d:[A-Za-z0-9_-]{43}$/);
});
