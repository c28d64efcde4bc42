// Section 2 of docs/protocol.md: commands and replies.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeLink, GatewayFixture } from '../testing/index.js';

const echo = (id: number, data: unknown = id): object => ({ type: 'call', id, method: 'test.echo', data });
const never = (id: number): object => ({ type: 'call', id, method: 'test.never' });

describe('commands and replies', () => {
  let fixture: GatewayFixture;
  let ann: FakeLink;
  let bystander: FakeLink;
  beforeEach(async () => {
    fixture = await new GatewayFixture().serve();
    ann = await fixture.enter('ann');
    bystander = await fixture.enter('bystander');
  });
  afterEach(async () => {
    bystander.say(echo(99));
    expect(await bystander.answerTo(99)).toMatchObject({ type: 'reply' });
    await fixture.close();
  });

  it('takes every id from 1 to 2^53 - 1 [PR-20]', async () => {
    ann.say(echo(Number.MAX_SAFE_INTEGER));
    expect(await ann.answerTo(Number.MAX_SAFE_INTEGER)).toMatchObject({ type: 'reply' });
    ann.say('{"type":"call","id":9007199254740992,"method":"test.echo"}');
    expect(await ann.untilClosed()).toMatchObject({ code: 4500 });
  });

  it('answers each command once, with its id [PR-21]', async () => {
    ann.say(echo(2), { type: 'sync', id: 3, group: 'r:0', epoch: 'x', after: 0, limit: 1 }, { type: 'what', id: 4 });
    ann.say({ type: 'call', id: 5, method: 'nobody.home' });
    for (const id of [2, 3, 4, 5]) await ann.answerTo(id);
    const ids = ann.messages.flatMap((message) => ('id' in message ? [message.id] : []));
    expect(ids.sort()).toEqual([1, 2, 3, 4, 5]);
  });

  it('refuses an id that is still unanswered, and lets the first go on [PR-22]', async () => {
    let answer: ((value: string) => void) | undefined;
    const slow = new GatewayFixture();
    slow.handlers.set('slow', () => new Promise((resolve) => (answer = resolve)));
    await slow.serve();
    const bob = await slow.enter('bob');
    bob.say({ type: 'call', id: 2, method: 'test.slow' }, echo(2));
    expect(await bob.answerTo(2)).toMatchObject({ type: 'error', code: 108, name: 'DUPLICATE_ID' });
    await expect.poll(() => answer, { interval: 1 }).toBeDefined();
    answer?.('the first');
    expect(await bob.until('reply')).toEqual({ type: 'reply', id: 2, data: 'the first' });
    bob.say(echo(2, 'free again'));
    await bob.until('reply', ({ data }) => data === 'free again');
    await slow.close();
  });

  it('answers in whatever order answers come [PR-23]', async () => {
    const slow = new GatewayFixture();
    const finish: (() => void)[] = [];
    slow.handlers.set('slow', (input) => new Promise((resolve) => finish.push(() => resolve(input))));
    await slow.serve();
    const bob = await slow.enter('bob');
    bob.say(
      { type: 'call', id: 2, method: 'test.slow', data: 'a' },
      { type: 'call', id: 3, method: 'test.slow', data: 'b' },
    );
    await expect.poll(() => finish.length, { interval: 1 }).toBe(2);
    finish[1]?.();
    await bob.answerTo(3);
    expect(bob.all('reply').map(({ id }) => id)).toEqual([3]);
    finish[0]?.();
    await bob.answerTo(2);
    await slow.close();
  });

  it('says what went wrong as code, name, message and retryable [PR-24] [PR-25]', async () => {
    ann.say({ type: 'call', id: 2, method: 'nobody.home' });
    const error = await ann.answerTo(2);
    expect(error).toEqual({
      type: 'error',
      id: 2,
      code: 300,
      name: 'SERVICE_UNKNOWN',
      message: expect.any(String),
      retryable: false,
      details: { handedOut: false },
    });
  });

  it('passes on what the application calls an error, with its code from 1000 [PR-25]', async () => {
    const { ImError } = await import('@im/protocol');
    const own = new GatewayFixture();
    own.handlers.set('fails', () => {
      throw ImError.application(1234, 'ROOM_FULL', { message: 'no seat left', retryable: true, details: { seats: 0 } });
    });
    own.handlers.set('breaks', () => {
      throw new Error('a secret of the database');
    });
    await own.serve();
    const bob = await own.enter('bob');
    bob.say({ type: 'call', id: 2, method: 'test.fails' }, { type: 'call', id: 3, method: 'test.breaks' });
    expect(await bob.answerTo(2)).toEqual({
      ...{ type: 'error', id: 2, code: 1234, name: 'ROOM_FULL', message: 'no seat left' },
      ...{ retryable: true, details: { seats: 0 } },
    });
    const internal = await bob.answerTo(3);
    expect(internal).toMatchObject({ code: 303, name: 'INTERNAL' });
    expect(JSON.stringify(internal)).not.toContain('secret');
    await own.close();
  });

  it('holds no more than 64 unanswered calls of one connection [PR-26]', async () => {
    ann.say(...Array.from({ length: 64 }, (_, i) => never(i + 2)));
    ann.say(never(100), { type: 'sync', id: 101, group: 'r:0', epoch: 'x', after: 0, limit: 1 });
    for (const id of [100, 101]) {
      expect(await ann.answerTo(id)).toMatchObject({ code: 107, name: 'TOO_MANY_PENDING', retryable: true });
    }
    ann.say({ type: 'cancel', call: 2 });
    await ann.answerTo(2);
    ann.say(echo(102));
    expect(await ann.answerTo(102)).toMatchObject({ type: 'reply' });
  });

  it('answers commands beyond the rate with RATE_LIMITED and forwards them to nobody [PR-27]', async () => {
    const roomy = await new GatewayFixture({ limits: { pendingCalls: 1_000 } }).serve();
    const bob = await roomy.enter('bob');
    for (let i = 0; i < 4; i++) bob.say(...Array.from({ length: 30 }, (_, j) => echo(10 + 30 * i + j)));
    const refused = bob.all('error');
    expect(refused.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, i) => 110 + i));
    expect(refused[0]).toMatchObject({
      code: 106,
      name: 'RATE_LIMITED',
      retryable: true,
      details: { retryAfterMs: 20 },
    });
    await bob.answerTo(109);
    expect(roomy.calls).toHaveLength(100);
    roomy.clock.advance(20);
    bob.say(echo(500));
    expect(await bob.answerTo(500)).toMatchObject({ type: 'reply' });
    bob.say(echo(501));
    expect(await bob.answerTo(501)).toMatchObject({ name: 'RATE_LIMITED' });
    await roomy.close();
  });

  it('closes with 4008 who goes on at more than ten times the rate, whatever it sends [PR-28]', async () => {
    const floods: [string, (link: FakeLink) => void][] = [
      ['calls', (link) => link.say(...Array.from({ length: 50 }, (_, i) => echo(i + 2)))],
      ['pings', (link) => link.say(...Array.from({ length: 50 }, () => ({ type: 'ping' })))],
      ['nothing', (link) => link.say('')],
      ['pings of the transport', (link) => link.events.heard()],
    ];
    for (const [what, send] of floods) {
      const link = await fixture.enter(`flooder-${floods.findIndex(([name]) => name === what)}`);
      for (let i = 0; i < 1_100 && !link.closedWith; i++) send(link);
      expect(link.closedWith, what).toMatchObject({ code: 4008, reason: expect.stringMatching(/^RATE_LIMITED: /) });
    }
  });

  it('leaves others all of their own rate, and what is published, before, while and after somebody floods [PR-28]', async () => {
    // All that the rate grants at once, 100 commands, and the clock stands still.
    for (let round = 0; round < 25; round++) {
      ann.say(...Array.from({ length: 50 }, (_, n) => echo(50 * round + n + 2)));
      if (round === 10) expect(ann.closedWith).toBeUndefined();
      const ids = [0, 1, 2, 3].map((n) => 1_000 + 4 * round + n);
      bystander.say(...ids.map((id) => echo(id)));
      for (const id of ids) expect(await bystander.answerTo(id)).toEqual({ type: 'reply', id, data: id });
      await fixture.gift('r:0', round);
    }
    await bystander.until('push', ({ data }) => data === 24);
    expect(bystander.all('push').map(({ data }) => data)).toEqual(Array.from({ length: 25 }, (_, round) => round));
    expect(ann.closedWith).toMatchObject({ code: 4008 });
    expect(bystander.closedWith).toBeUndefined();
    fixture.clock.advance(1_000);
  });

  it('counts the bytes of frames too, before it reads them [PR-28]', async () => {
    const large = { type: 'ping', filler: Array.from({ length: 20_000 }, () => ({})) };
    let frames = 0;
    while (!ann.closedWith && frames < 100) {
      ann.say(large);
      frames++;
    }
    expect(ann.closedWith).toMatchObject({ code: 4008 });
    expect(frames).toBeLessThan(20);
  });

  it('bears ten times the rate without closing [PR-28]', async () => {
    for (let second = 0; second < 20; second++) {
      for (let i = 0; i < 10; i++) ann.say(...Array.from({ length: 50 }, () => ({ type: 'ping' })));
      fixture.clock.advance(1_000);
    }
    expect(ann.closedWith).toBeUndefined();
  });
});
