// Section 6 of docs/protocol.md: what a client confirms, and what becomes of one that does not (PR-115 to PR-117).
import { RecordingMetrics } from '@im/protocol/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { effects, type FakeLink, GatewayFixture } from '../testing/index.js';

/** A second as the wheel of the gateway counts it: never early. */
const SECOND_MS = 1_100;

describe('confirmation', () => {
  const metrics = new RecordingMetrics();
  let fixture: GatewayFixture;
  let ann: FakeLink;
  let bob: FakeLink;
  beforeEach(async () => {
    fixture = await new GatewayFixture({ metrics, stallMs: 5_000 }).serve();
    [ann, bob] = [await member('ann'), await member('bob')];
    fixture.clock.advance(SECOND_MS);
  });
  afterEach(() => fixture.close());

  async function member(user: string): Promise<FakeLink> {
    const link = await fixture.enter(user);
    link.say({ type: 'call', id: 2, ...effects({ type: 'join', group: 'r:1' }) });
    await link.answerTo(2);
    return link;
  }
  const chats = (link: FakeLink): unknown[] => link.all('push').flatMap(({ lane, data }) => (lane ? [] : [data]));
  const long = (text: string): string => text.padEnd(5_000, '.');
  /** Everybody has what was published so far, or was shed it. */
  async function said(text: string): Promise<void> {
    await fixture.chat('r:1', text);
    await ann.until('push', ({ data }) => data === text);
  }

  it('is asked for once a second, behind what was written, and not of who is idle [PR-115]', async () => {
    bob.reads = ann.reads = false;
    await said('short');
    expect([ann.asked, bob.asked]).toEqual([undefined, undefined]);
    await said(long('first'));
    expect(ann.asked).toBe(bob.asked);
    const first = ann.asked as number;
    ann.confirm();
    ann.reads = false;
    await said(long('second'));
    expect(ann.asked).toBeUndefined();
    fixture.clock.advance(SECOND_MS);
    await said(long('third'));
    expect(ann.asked).toBeGreaterThan(first);
  });

  it('that does not come in a second ends normal messages, not priority, until it comes; what was missed is told [PR-116] [PR-85]', async () => {
    bob.reads = false;
    await said(long('1'));
    fixture.clock.advance(1_000);
    await said('2');
    fixture.clock.advance(100);
    await said('3');
    await said('4');
    await fixture.gift('r:1', 'gift');
    await bob.until('push', ({ lane }) => lane === 'priority');
    expect(chats(bob)).toEqual([long('1'), '2']);
    expect(metrics.value('im_gateway_congested_connections')).toBe(1);
    bob.confirm();
    await said('5');
    await bob.until('push', ({ data }) => data === '5');
    expect(bob.all('shed')).toEqual([{ type: 'shed', group: 'r:1', count: 2, reason: 'pressure' }]);
    expect(ann.all('shed')).toEqual([]);
    expect(chats(bob)).toEqual([long('1'), '2', '5']);
    expect(metrics.value('im_gateway_congested_connections')).toBe(0);
  });

  it('that does not come at all ends the connection with 4002, after what it missed was told; it may resume [PR-117]', async () => {
    const { ticket } = await bob.until('ticket');
    bob.reads = false;
    await said(long('1'));
    fixture.clock.advance(SECOND_MS);
    await said('2');
    fixture.clock.advance(3_900);
    expect(bob.closedWith).toBeUndefined();
    // It is looked at once a second.
    fixture.clock.advance(SECOND_MS);
    expect(await bob.untilClosed()).toMatchObject({ code: 4002, reason: expect.stringMatching(/^SLOW_CONSUMER: /) });
    expect(bob.messages.at(-1)).toEqual({ type: 'shed', group: 'r:1', count: 1, reason: 'pressure' });
    const again = await fixture.enter('bob', { ticket });
    expect(again.all('welcome')[0]).toMatchObject({ resumed: true });
    await again.until('shed', ({ group, reason }) => group === 'r:1' && reason === 'disconnected');
  });

  it('is never missed of a client that is well and says nothing', async () => {
    await said(long('1'));
    for (let second = 0; second < 25; second++) {
      fixture.clock.advance(SECOND_MS);
      await new Promise(setImmediate);
    }
    expect([ann.closedWith, bob.closedWith]).toEqual([undefined, undefined]);
  });

  it('is not taken from whoever answers something else, or was not asked; that counts as traffic [PR-117] [PR-28]', async () => {
    bob.reads = false;
    await said(long('1'));
    bob.events.confirmed((bob.asked as number) + 1);
    fixture.clock.advance(SECOND_MS);
    await said('2');
    expect(chats(bob)).toEqual([long('1')]);
    for (let i = 0; i < 2_000; i++) bob.events.confirmed(12_345);
    expect(await bob.untilClosed()).toMatchObject({ code: 4008 });
  });

  it('proves a client alive [PR-110]', async () => {
    // Asked each second and answering, but silent otherwise, for more than 2.5 heartbeats.
    for (let second = 0; second < 70; second++) {
      await said(long(`${second}`));
      fixture.clock.advance(SECOND_MS);
    }
    expect(ann.closedWith).toBeUndefined();
    expect(ann.all('ping')).toEqual([]);
  });
});
