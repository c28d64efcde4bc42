// Section 6 of docs/protocol.md: pushes, lanes, shedding.
import type { Terms } from '@im/protocol';
import { encodeJson } from '@im/rpc';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { effects, type FakeLink, GatewayFixture } from '../testing/index.js';

describe('pushes', () => {
  let fixture: GatewayFixture;
  let ann: FakeLink;
  beforeEach(async () => {
    fixture = await new GatewayFixture().serve();
    ann = await member(fixture, 'ann');
  });
  afterEach(() => fixture.close());

  async function member(of: GatewayFixture, user: string, ...groups: string[]): Promise<FakeLink> {
    const link = await of.enter(user);
    link.say({
      type: 'call',
      id: 2,
      ...effects(...['r:1', ...groups].map((group) => ({ type: 'join', group }) as const)),
    });
    await link.answerTo(2);
    return link;
  }
  const pushed = (link: FakeLink): unknown[] => link.all('push').map(({ data }) => data);

  it('carries event and data, on the priority lane version and lane, and id and time as the publisher gave them [PR-80]', async () => {
    const body = encodeJson({ gift: 'rocket' });
    await fixture.publisher.publish('r:1', { lane: 'priority', event: 'gift', body, id: 'm-1', time: 17 });
    await fixture.publisher.publish('r:1', { lane: 'normal', event: 'chat', body, time: 18 });
    await ann.until('push', ({ event }) => event === 'chat');
    expect(ann.all('push')).toEqual([
      {
        type: 'push',
        group: 'r:1',
        event: 'gift',
        lane: 'priority',
        version: 1,
        id: 'm-1',
        time: 17,
        data: { gift: 'rocket' },
      },
      { type: 'push', group: 'r:1', event: 'chat', time: 18, data: { gift: 'rocket' } },
    ]);
  });

  it('passes on events of the system that concern clients, by their name [PR-81]', async () => {
    await fixture.gift('u:ann', { code: 7 }, '$kick');
    await fixture.gift('r:1', 1, 'a$b'.replace('$', '.'));
    expect((await ann.until('push')).event).toBe('$kick');
    expect((await ann.until('push', ({ group }) => group === 'r:1')).event).toBe('a.b');
  });

  it('gives the priority pushes of a membership versions that rise by one from that of joined [PR-82]', async () => {
    for (let i = 0; i < 50; i++) await fixture.gift('r:1', i);
    await ann.until('push', ({ data }) => data === 49);
    const { version = -1 } = ann.all('joined')[0] ?? {};
    expect(ann.all('push').map((push) => push.version)).toEqual(Array.from({ length: 50 }, (_, i) => version + 1 + i));
  });

  it('sends normal pushes of one publisher in order, each once [PR-83]', async () => {
    await Promise.all(Array.from({ length: 200 }, (_, i) => fixture.chat('r:1', i)));
    await ann.until('push', ({ data }) => data === 199);
    expect(pushed(ann)).toEqual(Array.from({ length: 200 }, (_, i) => i));
  });

  it('sends the priority pushes that wait before the normal ones [PR-84]', async () => {
    const framed = await new GatewayFixture({ framesPerSecond: 12 }).serve();
    const bob = await member(framed, 'bob');
    await Promise.all([framed.chat('r:1', 'chat'), framed.gift('r:1', 'gift')]);
    expect(await bob.until('push')).toMatchObject({ data: 'gift' });
    framed.clock.advance(100);
    await bob.until('push', ({ data }) => data === 'chat');
    expect(pushed(bob)).toEqual(['gift', 'chat']);
    await framed.close();
  });

  it('sends one chunk to all members, encoded once', async () => {
    const bob = await member(fixture, 'bob');
    await fixture.gift('r:1', 'to both');
    await bob.until('push');
    await ann.until('push');
    expect(ann.chunks.at(-1)).toBe(bob.chunks.at(-1));
  });

  it('says by which key a push may become one with others, and of what sum [PR-89]', async () => {
    const publish = (terms: Terms) =>
      fixture.publisher.publish('r:1', { lane: 'normal', event: 'like', body: encodeJson(1), time: 17, terms });
    await publish({ sender: 'ann', conflate: { mode: 'sum', key: 'k', amount: 3 } });
    await ann.until('push', ({ sum }) => sum === 3);
    await publish({ reserved: true, conflate: { mode: 'latest', key: 'k' } });
    await ann.until('push', ({ key, sum }) => key === 'k' && sum === undefined);
    const push = { type: 'push', group: 'r:1', event: 'like', time: 17, key: 'k', data: 1 };
    expect(ann.all('push')).toEqual([{ ...push, sum: 3 }, push]);
  });

  it('makes one push a frame of what counts by one key, with their total, one that comes again aside [PR-88] [PR-89]', async () => {
    const framed = await new GatewayFixture({ framesPerSecond: 12 }).serve();
    const bob = await member(framed, 'bob');
    const like = async (number: number): Promise<void> => {
      const terms: Terms = { conflate: { mode: 'sum', key: 'heart', amount: 2 } };
      const { publisher } = framed;
      await publisher.publish('r:1', {
        ...{ lane: 'normal', event: 'like', body: encodeJson(number), time: number, terms },
        ...(number % 2 === 0 && { id: `like-${number}` }),
      });
    };
    const published = 500;
    for (let number = 1; number <= published; number += 1) {
      await like(number);
      // Half of the even ones come twice.
      if (number % 4 === 0) await like(number);
      framed.clock.advance(2);
    }
    framed.clock.advance(100);
    await bob.until('push', ({ time }) => time === published);
    const pushes = bob.all('push');
    expect(pushes.length).toBeLessThanOrEqual(14);
    expect(pushes.reduce((total, { sum = 0 }) => total + sum, 0)).toBe(published * 2);
    expect(pushes.reduce((count, { conflated = 0 }) => count + 1 + conflated, 0)).toBe(published + published / 4);
    expect(pushes.at(-1)).toMatchObject({ event: 'like', key: 'heart', id: 'like-500', time: 500, data: 500 });
    expect(bob.all('shed')).toEqual([]);
    await framed.close();
  });

  it('says for how many a push stands that is the latest of its key [PR-88] [PR-89]', async () => {
    const framed = await new GatewayFixture({ framesPerSecond: 12 }).serve();
    const bob = await member(framed, 'bob');
    const terms: Terms = { conflate: { mode: 'latest', key: 'seat-1' } };
    for (const time of [1, 2, 3]) {
      await framed.publisher.publish('r:1', { lane: 'normal', event: 'seat', body: encodeJson(time), time, terms });
    }
    framed.clock.advance(100);
    await bob.until('push');
    expect(bob.all('push')).toEqual([
      { type: 'push', group: 'r:1', event: 'seat', time: 3, conflated: 2, key: 'seat-1', data: 3 },
    ]);
    await framed.close();
  });

  it('sends no normal messages beyond the soft limit, and then tells how many of each group were missed [PR-85] [PR-86]', async () => {
    const slow = await new GatewayFixture({ softBacklogBytes: 1_200 }).serve();
    const bob = await member(slow, 'bob', 'r:2');
    const eve = await member(slow, 'eve');
    bob.reads = false;
    await slow.gift('u:bob', 'x'.repeat(1_200));
    await bob.until('push');
    for (let i = 0; i < 3; i++) await slow.chat('r:1', i);
    await slow.chat('r:2', 'other');
    await slow.gift('r:1', 'gift');
    await eve.until('push', ({ data }) => data === 'gift');
    await bob.until('push', ({ group }) => group === 'r:1');
    expect(pushed(bob).slice(1)).toEqual(['gift']);
    bob.confirm();
    slow.clock.advance(200);
    await slow.chat('r:1', 'after');
    await bob.until('push', ({ data }) => data === 'after');
    expect(bob.all('shed')).toEqual(
      expect.arrayContaining([
        { type: 'shed', group: 'r:1', count: 3, reason: 'pressure' },
        { type: 'shed', group: 'r:2', count: 1, reason: 'pressure' },
      ]),
    );
    expect(bob.all('shed')).toHaveLength(2);
    expect(eve.all('shed')).toEqual([]);
    expect(eve.all('push')).toHaveLength(5);
    await slow.close();
  });

  it('tells what was lost on its way here, with the count or without [PR-85]', async () => {
    // The bus is played by the test: it says what it has lost.
    const losses: ((group: string, count: number | undefined) => void)[] = [];
    const { broadcast } = fixture;
    const lossy = fixture.another({
      broadcast: {
        createPublisher: () => broadcast.createPublisher(),
        createSubscriber: (handlers) => {
          losses.push((group, count) => handlers.onLoss?.(group, count));
          return broadcast.createSubscriber(handlers);
        },
        close: async () => {},
      },
    });
    const bob = await fixture.enter('bob', {}, lossy);
    for (const lose of losses) lose('u:bob', 4);
    expect(await bob.until('shed')).toEqual({ type: 'shed', group: 'u:bob', count: 4, reason: 'upstream' });
    for (const lose of losses) lose('r:0', undefined);
    expect(await bob.until('shed', ({ group }) => group === 'r:0')).toEqual({
      type: 'shed',
      group: 'r:0',
      reason: 'upstream',
    });
  });

  it('closes with 4002 beyond the hard limit, and the others go on [PR-87]', async () => {
    const slow = await new GatewayFixture({ softBacklogBytes: 10_000, hardBacklogBytes: 20_000 }).serve();
    const bob = await member(slow, 'bob');
    const eve = await member(slow, 'eve');
    bob.reads = false;
    await slow.gift('u:bob', 'x'.repeat(15_000));
    await slow.gift('r:1', 'just');
    await bob.until('push', ({ group }) => group === 'r:1');
    await slow.gift('r:1', 'too much'.padEnd(5_000));
    expect(await bob.untilClosed()).toMatchObject({ code: 4002, reason: expect.stringMatching(/^SLOW_CONSUMER: /) });
    await slow.gift('r:1', 'for eve');
    await eve.until('push', ({ data }) => data === 'for eve');
    expect(pushed(eve).map((data) => String(data).trim())).toEqual(['just', 'too much', 'for eve']);
    await slow.close();
  });
});
