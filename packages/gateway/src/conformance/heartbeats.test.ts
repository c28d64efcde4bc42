// Sections 8 and 9 of docs/protocol.md: heartbeats and closing.
import { CLOSE_CODES } from '@im/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeLink, GatewayFixture } from '../testing/index.js';

describe('heartbeats', () => {
  let fixture: GatewayFixture;
  let ann: FakeLink;
  beforeEach(async () => {
    fixture = await new GatewayFixture({ heartbeatMs: 10_000 }).serve();
    ann = await fixture.enter('ann');
  });
  afterEach(async () => {
    await fixture.close();
    expect(fixture.clock.pendingTimers).toBe(0);
  });

  it('answers a ping within 200 ms, with positions or without [PR-111]', () => {
    ann.say({ type: 'ping' });
    fixture.clock.advance(200);
    expect(ann.all('pong')).toEqual([{ type: 'pong' }]);
    ann.say({ type: 'ping', positions: { 'u:ann': { epoch: 'e', version: 3 } } });
    fixture.clock.advance(200);
    expect(ann.all('pong')).toEqual([{ type: 'pong' }, { type: 'pong' }]);
  });

  it('answers pings that come before the answer once [PR-111]', () => {
    for (let i = 0; i < 3; i++) ann.say({ type: 'ping' });
    fixture.clock.advance(10_000);
    expect(ann.all('pong')).toEqual([{ type: 'pong' }]);
  });

  it('keeps no timer for a client that goes before its answer', () => {
    ann.say({ type: 'ping' });
    ann.disconnect();
  });

  it('asks after one and a half heartbeats of silence, and closes with 4001 after two and a half [PR-112] [PR-113]', async () => {
    fixture.clock.advance(14_900);
    expect(ann.all('ping')).toEqual([]);
    fixture.clock.advance(200);
    expect(ann.all('ping')).toEqual([{ type: 'ping' }]);
    fixture.clock.advance(9_800);
    expect(ann.closedWith).toBeUndefined();
    fixture.clock.advance(200);
    expect(await ann.untilClosed()).toMatchObject({
      code: 4001,
      reason: expect.stringMatching(/^HEARTBEAT_TIMEOUT: /),
    });
    expect(ann.all('ping')).toHaveLength(1);
  });

  it.each([
    ['a pong', (link: FakeLink) => link.say({ type: 'pong' })],
    ['a ping', (link: FakeLink) => link.say({ type: 'ping' })],
    ['a call', (link: FakeLink) => link.say({ type: 'call', id: 2, method: 'test.echo' })],
    ['a kind of message it does not know', (link: FakeLink) => link.say({ type: 'wave' })],
    ['an empty frame', (link: FakeLink) => link.say('')],
    ['traffic of the transport', (link: FakeLink) => link.events.heard()],
  ])('takes %s for a sign of life [PR-110]', async (_case, live) => {
    for (let i = 0; i < 5; i++) {
      fixture.clock.advance(20_000);
      expect(ann.all('ping')).toHaveLength(i + 1);
      live(ann);
    }
    expect(ann.closedWith).toBeUndefined();
  });

  it('does not count what it sends itself for a sign of life', async () => {
    for (let i = 0; i < 25; i++) {
      await fixture.gift('u:ann', i);
      await ann.until('push', ({ data }) => data === i);
      fixture.clock.advance(1_000);
    }
    fixture.clock.advance(100);
    expect(await ann.untilClosed()).toMatchObject({ code: 4001 });
  });

  it('keeps one timer for all connections, and none when there are none', async () => {
    const timers = fixture.clock.pendingTimers;
    const links = await Promise.all(Array.from({ length: 20 }, (_, i) => fixture.enter(`user-${i}`)));
    expect(fixture.clock.pendingTimers).toBe(timers);
    for (const link of [ann, ...links]) link.disconnect();
    // Of lost sessions.
    fixture.clock.advance(60_000);
    expect(fixture.clock.pendingTimers).toBe(0);
  });

  it('renews a ticket before it expires, so that what a client holds always lasts', async () => {
    const lasting = new GatewayFixture({ ticketTtlMs: 120_000 });
    const bob = await lasting.enter('bob');
    for (let minute = 0; minute < 10; minute++) {
      for (let i = 0; i < 6; i++) {
        lasting.clock.advance(10_000);
        bob.say({ type: 'pong' });
      }
      await expect.poll(() => bob.all('ticket').length, { interval: 1 }).toBeGreaterThanOrEqual(minute);
    }
    const { ticket } = bob.all('ticket').at(-1) ?? {};
    bob.disconnect();
    const again = await lasting.enter('bob', { ticket });
    expect(await again.until('welcome')).toMatchObject({ resumed: true });
    await lasting.close();
  });
});

describe('closing', () => {
  let fixture: GatewayFixture;
  beforeEach(async () => {
    fixture = await new GatewayFixture().serve();
  });
  afterEach(() => fixture.close());

  it('tells its clients to move, answers the calls it has, refuses new ones, and closes with 4000 [PR-123] [PR-124]', async () => {
    const ann = await fixture.enter('ann');
    const idle = await fixture.enter('idle');
    const unknown = fixture.connect();
    ann.say({ type: 'call', id: 2, method: 'test.held', data: 'key' });
    const stopped = fixture.gateway.stop({ graceMs: 5_000 });
    expect(ann.all('drain')).toEqual([{ type: 'drain', afterMs: 0, ticket: expect.any(String) }]);
    expect(await idle.untilClosed()).toMatchObject({ code: 4000, reason: expect.stringMatching(/^GOING_AWAY: /) });
    expect(idle.all('drain')).toHaveLength(1);
    expect(await unknown.untilClosed()).toMatchObject({ code: 4000 });
    ann.say({ type: 'call', id: 3, method: 'test.echo' });
    expect(await ann.answerTo(3)).toMatchObject({ name: 'SHUTTING_DOWN', retryable: true });
    expect(ann.closedWith).toBeUndefined();
    await fixture.answer('key');
    expect(await ann.answerTo(2)).toMatchObject({ type: 'reply', data: 'key' });
    expect(await ann.untilClosed()).toMatchObject({ code: 4000 });
    await stopped;
  });

  it('takes no more connections once it stops: 4004 [PR-126]', async () => {
    await fixture.gateway.stop();
    const late = fixture.connect();
    expect(await late.untilClosed()).toMatchObject({ code: 4004 });
  });

  it('does not wait longer than the grace for calls that nobody answers [PR-124]', async () => {
    const ann = await fixture.enter('ann');
    ann.say({ type: 'call', id: 2, method: 'test.never' });
    const stopped = fixture.gateway.stop({ graceMs: 5_000 });
    fixture.clock.advance(4_999);
    expect(ann.closedWith).toBeUndefined();
    fixture.clock.advance(1);
    expect(await ann.untilClosed()).toMatchObject({ code: 4000 });
    await stopped;
  });

  it('waits until the links are gone, and can be stopped twice', async () => {
    const ann = await fixture.enter('ann');
    ann.closesAtOnce = false;
    let done = false;
    const stopped = Promise.all([fixture.gateway.stop({ graceMs: 0 }), fixture.gateway.stop()]).then(() => {
      done = true;
    });
    await ann.untilClosed();
    await new Promise(setImmediate);
    expect(done).toBe(false);
    ann.disconnect();
    await stopped;
  });

  it('hands on a ticket with which another gateway resumes the session [PR-123]', async () => {
    const other = fixture.another();
    const ann = await fixture.enter('ann');
    const stopped = fixture.gateway.stop();
    const { ticket } = await ann.until('drain');
    await stopped;
    const again = await fixture.enter('ann', { ticket }, other);
    const { session } = await ann.until('welcome');
    expect(await again.until('welcome')).toMatchObject({ resumed: true, session });
  });

  it('begins the reason of every close with the code’s name [PR-125]', async () => {
    const { closeReason } = await import('../connection/close-reason.js');
    for (const name of Object.keys(CLOSE_CODES) as (keyof typeof CLOSE_CODES)[]) {
      expect(closeReason(name)).toBe(`${name}: ${CLOSE_CODES[name].reason}`);
      expect(Buffer.byteLength(closeReason(name, '界'.repeat(200)))).toBeLessThanOrEqual(123);
      expect(closeReason(name, '界'.repeat(200))).toMatch(new RegExp(`^${name}: 界+$`));
    }
  });
});
