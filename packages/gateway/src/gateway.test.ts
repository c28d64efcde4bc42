import { ImError } from '@im/protocol';
import { RecordingMetrics } from '@im/protocol/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { effects, type FixtureOptions, GatewayFixture } from './testing/index.js';
import type { UserRegister, UserSession } from './user-register.js';

/** Of one gateway, at once. */
class FakeRegister implements UserRegister {
  readonly #sessions = new Map<string, UserSession & { readonly userGroup: string }>();

  enter(userGroup: string, session: Omit<UserSession, 'gateway'>): void {
    this.#sessions.set(session.session, { ...session, userGroup, gateway: 'gw-1' });
  }

  leave(session: string): void {
    this.#sessions.delete(session);
  }

  async sessionsOf(userGroup: string): Promise<UserSession[]> {
    return [...this.#sessions.values()].filter((session) => session.userGroup === userGroup);
  }

  async gateways(): Promise<string[]> {
    return ['gw-1'];
  }
}

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
      ticketKeys: [{ id: 'no key id', secret: 'short' }],
      heartbeatMs: 0,
      helloTimeoutMs: 2_147_483_648,
      welcomeTimeoutMs: 9_999,
      ticketTtlMs: 1_000,
      softBacklogBytes: 2_000,
      hardBacklogBytes: 2_000,
      framesPerSecond: Number.NaN,
      maxConnections: 1.5,
      maxReplay: '10' as unknown as number,
      limits: { frameBytes: 100, groups: 257, pendingCalls: 0, callTimeoutMs: Number.POSITIVE_INFINITY },
    };
    let thrown: unknown;
    try {
      new GatewayFixture(options);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ImError);
    expect(thrown).toMatchObject({ name: 'CONFIG_INVALID' });
    expect((thrown as ImError).details?.mistakes).toEqual([
      'heartbeatMs: 0 is no whole number of milliseconds from 1000 to 3600000',
      'helloTimeoutMs: 2147483648 is no whole number of milliseconds from 1 to 2147483647',
      'framesPerSecond: NaN is no whole number of frames from 0 to 1000',
      'maxConnections: 1.5 is no whole number of connections from 1 to 10000000',
      'maxReplay: 10 is no whole number of messages from 1 to 1000000',
      'limits.frameBytes: 100 is no whole number of bytes from 16384 to 16777216',
      'limits.pendingCalls: 0 is no whole number of calls from 1 to 10000',
      'limits.groups: 257 is no whole number of groups from 1 to 256',
      'limits.callTimeoutMs: Infinity is no whole number of milliseconds from 1 to 3600000',
      'node: not [A-Za-z0-9_.-]{1,64}',
      'ticketKeys: "no key id" is no key id ([A-Za-z0-9_-]{1,16})',
      'ticketKeys: the secret of "no key id" is shorter than 32 bytes',
      'ticketTtlMs: 1000 is less than twice sessionTtlMs (60000)',
      'welcomeTimeoutMs: 9999 is less than five times storeTimeoutMs (2000)',
      'hardBacklogBytes: 2000 is not above softBacklogBytes (2000)',
    ]);
  });

  it('takes the smallest and the largest of its options', async () => {
    const small = new GatewayFixture({
      maxLostSessions: 0,
      framesPerSecond: 0,
      limits: { frameBytes: 16_384, groups: 1 },
    });
    const large = new GatewayFixture({ framesPerSecond: 1_000, limits: { frameBytes: 16_777_216, groups: 256 } });
    await Promise.all([small.close(), large.close()]);
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
    // What the embedded RPC kept for further calls ends by itself.
    crowded.clock.advance(60_000);
    expect(crowded.clock.pendingTimers).toBe(0);
  });

  it('tells the user register who is connected, and takes off who is not', async () => {
    const register = new FakeRegister();
    fixture = await new GatewayFixture({ users: register }).serve();
    const ann = await fixture.enter('ann', { device: 'd1', platform: 'ios' });
    const web = await fixture.enter('ann', { device: 'd2' });
    const [phone] = await register.sessionsOf('u:ann');
    expect(phone).toMatchObject({ device: 'd1', platform: 'ios', sinceMs: fixture.clock.now() });
    ann.disconnect();
    expect(await register.sessionsOf('u:ann')).toMatchObject([{ device: 'd2', platform: 'web' }]);
    web.disconnect();
    expect(await register.sessionsOf('u:ann')).toEqual([]);
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
