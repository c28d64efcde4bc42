import { ImError } from '@im/protocol';
import { RecordingMetrics } from '@im/protocol/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { effects, type FixtureOptions, GatewayFixture } from './testing/index.js';

describe('createGateway', () => {
  let fixture: GatewayFixture | undefined;
  afterEach(async () => {
    await fixture?.close();
    fixture = undefined;
  });

  it('takes a visitor from hello to a gift', async () => {
    fixture = await new GatewayFixture().serve();
    const ann = await fixture.enter('ann');
    ann.say({ type: 'call', id: 2, ...effects({ type: 'join', group: 'r:1' }) });
    await ann.answerTo(2);
    await ann.until('ticket');
    await fixture.gift('r:1', { gift: 'rocket' });
    await fixture.chat('r:1', 'hi');
    await ann.until('push', ({ event }) => event === 'chat');
    expect(ann.messages.map(({ type }) => type)).toEqual(['welcome', 'joined', 'reply', 'ticket', 'push', 'push']);
  });

  it('names every mistake of its options at once', () => {
    const options: FixtureOptions = {
      node: 'no node id',
      heartbeatMs: 0,
      ticketTtlMs: 1_000,
      softBacklogBytes: 2_000,
      hardBacklogBytes: 2_000,
      framesPerSecond: Number.NaN,
      limits: { groups: 127, pendingCalls: 0 },
    };
    let thrown: unknown;
    try {
      new GatewayFixture(options);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ImError);
    expect(thrown).toMatchObject({ name: 'CONFIG_INVALID' });
    const { mistakes } = (thrown as ImError).details as { mistakes: string[] };
    const named = [
      'heartbeatMs',
      'framesPerSecond',
      'limits.pendingCalls',
      'limits.groups',
      'node',
      'ticketTtlMs',
      'hardBacklogBytes',
    ];
    expect(mistakes.map((mistake) => mistake.split(':')[0])).toEqual(named);
  });

  it('has nothing left of its clients, nor of itself once stopped', async () => {
    const metrics = new RecordingMetrics();
    const crowded = await new GatewayFixture({ metrics, sessionTtlMs: 1_000 }).serve();
    fixture = crowded;
    const now = (): number[] =>
      ['connections', 'sessions', 'sessions_lost', 'groups'].map((name) => metrics.value(`im_gateway_${name}`));
    const links = await Promise.all(Array.from({ length: 50 }, (_, i) => crowded.enter(`user-${i}`)));
    for (const [i, link] of links.entries())
      link.say({ type: 'call', id: 2, ...effects({ type: 'join', group: `r:${1 + (i % 3)}` }) });
    for (const link of links) await link.answerTo(2);
    expect(now()).toEqual([50, 50, 0, 54]);
    for (const link of links) link.disconnect();
    expect(now()).toEqual([0, 0, 50, 0]);
    crowded.clock.advance(1_000);
    expect(now()).toEqual([0, 0, 0, 0]);
    await crowded.gateway.stop();
    expect(crowded.clock.pendingTimers).toBe(0);
  });

  it('lets go of what a connection was about to enter when it is lost at any moment of its sign-in', async () => {
    for (let turns = 0; turns < 12; turns++) {
      const metrics = new RecordingMetrics();
      fixture = await new GatewayFixture({ metrics }).serve();
      const link = fixture.connect();
      link.say({ type: 'hello', id: 1, token: 'user:ann', device: 'd', platform: 'web' });
      link.say({ type: 'call', id: 2, ...effects({ type: 'join', group: 'r:1' }) });
      for (let i = 0; i < turns; i++) await Promise.resolve();
      if (turns > 8) await new Promise(setImmediate);
      link.disconnect();
      await new Promise(setImmediate);
      await new Promise(setImmediate);
      for (const name of ['connections', 'sessions', 'groups']) expect(metrics.value(`im_gateway_${name}`)).toBe(0);
      expect(metrics.value('im_groups_members')).toBe(0);
      expect(await fixture.online.count('r:1')).toBe(0);
      await fixture.close();
    }
  });
});
