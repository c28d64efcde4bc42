import { ImError } from '@im/protocol';
import type { NewEntry } from '@im/timeline';
import { afterEach, describe, expect, it } from 'vitest';
import { type FixtureOptions, startWorkers, type WorkerFixture, withKey } from '../worker-fixture.js';
import { conversationOf } from './conversation.js';
import { messageDefinition } from './message-service.js';

let fixture: WorkerFixture;
afterEach(() => fixture.close());

async function setUp(options: FixtureOptions = {}) {
  fixture = await startWorkers({ rates: { message: { perSecond: 1_000, burst: 10_000 } }, ...options });
  for (const user of ['ann', 'bob', 'cat']) fixture.watch(`u:${user}`);
}

const message = (user: string, extra = {}) => fixture.as(messageDefinition, user, extra);

async function write(from: string, to: string, text: string, key = text) {
  return message(from).send({ to, text }, withKey(from, key));
}

describe('sending', () => {
  it('puts the message into the conversation, and a notice with all of it into the logs of both', async () => {
    await setUp();
    const sent = await write('ann', 'bob', 'hello\nBob');
    expect(sent).toMatchObject({ conversation: conversationOf('bob', 'ann'), version: 1 });
    const notice = { ...sent, from: { user: 'ann', name: 'ANN' }, to: 'bob', text: 'hello\nBob' };
    expect(fixture.deliveries.map(({ group, lane, version, id }) => ({ group, lane, version, id }))).toEqual([
      { group: 'u:bob', lane: 'priority', version: 1, id: sent.id },
      { group: 'u:ann', lane: 'priority', version: 1, id: sent.id },
    ]);
    expect(fixture.pushes('message')).toEqual([notice, notice]);
    expect((await message('bob').history({ with: 'ann' })).messages).toEqual([notice]);
  });

  it('is refused without key, to oneself, with an unfit text or to what is no user id', async () => {
    await setUp();
    await expect(message('ann').send({ to: 'bob', text: 'hi' })).rejects.toMatchObject({ name: 'KEY_REQUIRED' });
    await expect(write('ann', 'ann', 'hi')).rejects.toMatchObject({ name: 'MESSAGE_TO_SELF' });
    await expect(write('ann', 'bob', ' ')).rejects.toMatchObject({ name: 'TEXT_REFUSED' });
    await expect(write('ann', 'bob', 'y'.repeat(2_001), 'a key')).rejects.toMatchObject({ name: 'TEXT_REFUSED' });
    await expect(write('ann', 'b/ob', 'hi', 'another key')).rejects.toMatchObject({ name: 'INVALID_INPUT' });
    expect(fixture.deliveries).toEqual([]);
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
    const { at } = await write('ann', 'bob', 'other words', 'k');
    expect(fixture.pushes('message').map(({ text, to }) => [text, to])).toEqual([
      ['first words', 'bob'],
      ['first words', 'bob'],
    ]);
    expect(fixture.deliveries.map(({ group }) => group)).toEqual(['u:ann', 'u:bob']);
    expect(fixture.pushes('message').map((one) => one.at)).toEqual([at, at]);
  });
});

describe('history', () => {
  it('is read backwards, page by page, to its beginning', async () => {
    await setUp();
    for (let index = 1; index <= 5; index += 1)
      await write(index % 2 ? 'ann' : 'bob', index % 2 ? 'bob' : 'ann', `m${index}`);
    const pages: string[][] = [];
    let before: number | undefined;
    do {
      const page = await message('ann').history({ with: 'bob', limit: 2, before });
      pages.push(page.messages.map(({ text }) => text));
      before = page.before;
    } while (before !== undefined);
    expect(pages).toEqual([['m5', 'm4'], ['m3', 'm2'], ['m1']]);
  });

  it('is empty between strangers, and never another pair’s', async () => {
    await setUp();
    await write('ann', 'bob', 'secret');
    for (const peer of ['ann', 'bob']) expect((await message('cat').history({ with: peer })).messages).toEqual([]);
    expect((await message('ann', { product: 'p1' }).history({ with: 'bob' })).messages).toEqual([]);
  });
});

describe('conversations', () => {
  it('are listed by their latest message, newest first, with the name of the peer once known', async () => {
    await setUp();
    await write('ann', 'bob', 'a1');
    await write('cat', 'ann', 'c1');
    await write('ann', 'bob', 'a2');
    const { conversations } = await message('ann').conversations();
    expect(conversations.map(({ peer, last }) => [peer, last.text])).toEqual([
      [{ user: 'bob' }, 'a2'],
      [{ user: 'cat', name: 'CAT' }, 'c1'],
    ]);
    expect((await message('ann').conversations({ limit: 1 })).conversations).toHaveLength(1);
    expect((await message('dan').conversations()).conversations).toEqual([]);
  });

  it('are found behind many messages of one talkative peer', async () => {
    await setUp();
    await write('cat', 'ann', 'early');
    for (let index = 0; index < 450; index += 1) await write('bob', 'ann', `b${index}`);
    const { conversations } = await message('ann').conversations();
    expect(conversations.map(({ last }) => last.text)).toEqual(['b449', 'early']);
  });
});

it('names a conversation the same from both sides, and different for every pair', () => {
  expect(conversationOf('ann', 'bob')).toBe(conversationOf('bob', 'ann'));
  expect(conversationOf('ann', 'bob')).not.toBe(conversationOf('ann', 'bo'));
  expect(conversationOf('a', 'nnbob')).not.toBe(conversationOf('ann', 'bob'));
  expect(conversationOf('ann', 'bob')).toMatch(/^d:[A-Za-z0-9_-]{43}$/);
});
