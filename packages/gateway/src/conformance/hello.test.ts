// Section 3 of docs/protocol.md: hello.
import { DEFAULT_LIMITS, ImError } from '@im/protocol';
import type { CancelSignal } from '@im/rpc';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeLink, GatewayFixture, tokenTable } from '../testing/index.js';

const HELLO = { type: 'hello', id: 1, token: 'user:ann', device: 'd1', platform: 'web' };

describe('hello', () => {
  let fixture: GatewayFixture;
  let bystander: FakeLink;
  const table: Parameters<typeof tokenTable>[0] & Record<string, unknown> = {};
  beforeEach(async () => {
    for (const token of Object.keys(table)) Reflect.deleteProperty(table, token);
    fixture = await new GatewayFixture({ verifier: tokenTable(table) }).serve();
    bystander = await fixture.enter('bystander');
  });
  afterEach(async () => {
    bystander.say({ type: 'call', id: 99, method: 'test.echo' });
    expect(await bystander.answerTo(99)).toMatchObject({ type: 'reply' });
    await fixture.close();
    expect(fixture.clock.pendingTimers).toBe(0);
  });

  it('welcomes with session, user, limits, ticket and the time [PR-30] [PR-38]', async () => {
    const link = fixture.connect();
    link.say({ ...HELLO, client: 'im-js/0.1.0', id: 7 });
    expect(await link.until('welcome')).toEqual({
      ...{ type: 'welcome', id: 7, session: expect.stringMatching(/^s_/), user: 'ann', heartbeatMs: 25_000 },
      ...{ resumed: false, ticket: expect.any(String), left: [], limits: DEFAULT_LIMITS, time: fixture.clock.now() },
      groups: [
        { group: 'u:ann', epoch: expect.any(String), version: 0 },
        { group: 'r:0', epoch: expect.any(String), version: 0 },
      ],
    });
  });

  it('closes with 4003 when no hello has come in time [PR-31]', async () => {
    const silent = fixture.connect();
    const waving = fixture.connect();
    waving.say({ type: 'wave' });
    fixture.clock.advance(4_900);
    expect(silent.closedWith).toBeUndefined();
    fixture.clock.advance(200);
    expect(await silent.untilClosed()).toMatchObject({ code: 4003, reason: expect.stringMatching(/^HELLO_TIMEOUT: /) });
    expect(await waving.untilClosed()).toMatchObject({ code: 4003 });
  });

  it.each([
    ['a call', { type: 'call', id: 5, method: 'test.echo' }, 5],
    ['a sync', { type: 'sync', id: 5, group: 'r:0', epoch: 'e', after: 0, limit: 1 }, 5],
    ['a command that breaks its grammar', { type: 'call', id: 5, method: '' }, 5],
    ['a command of unknown kind', { type: 'dance', id: 5 }, 5],
    ['a ping', { type: 'ping' }, undefined],
    ['a cancel', { type: 'cancel', call: 1 }, undefined],
  ])('refuses %s before hello, and closes with 4507 [PR-32]', async (_case, command, id) => {
    const link = fixture.connect();
    link.say(command);
    expect(await link.untilClosed()).toMatchObject({
      code: 4507,
      reason: expect.stringMatching(/^PROTOCOL_VIOLATION: /),
    });
    expect(link.messages).toMatchObject([{ type: 'error', code: 103, name: 'HELLO_REQUIRED' }]);
    expect((link.messages[0] as { id?: number }).id).toBe(id);
    expect(fixture.calls).toEqual([]);
  });

  it('refuses a second hello, while the first is dealt with and after it, and closes with 4507 [PR-33]', async () => {
    const early = fixture.connect();
    early.say(HELLO, { ...HELLO, id: 2 });
    const late = await fixture.enter('ann');
    late.say({ ...HELLO, id: 2 });
    for (const link of [early, late]) {
      expect(await link.untilClosed()).toMatchObject({ code: 4507 });
      expect(await link.answerTo(2)).toMatchObject({ type: 'error', code: 104, name: 'HELLO_REPEATED' });
    }
  });

  it.each([
    ['device', 'x'.repeat(65)],
    ['device', ''],
    ['device', 'a b'],
    ['platform', 'Web'],
    ['platform', 'x'.repeat(17)],
    ['client', 'x'.repeat(65)],
    ['token', 'x'.repeat(8_193)],
    ['ticket', 7],
    ['positions', { 'r:1': { epoch: '', version: 1 } }],
  ])(
    'names a field of hello that breaks its grammar, and closes with 4500: %s [PR-30] [PR-34]',
    async (field, value) => {
      const link = fixture.connect();
      link.say({ ...HELLO, [field]: value });
      expect(await link.untilClosed()).toMatchObject({ code: 4500, reason: expect.stringMatching(/^MALFORMED: /) });
      expect(link.messages).toMatchObject([{ type: 'error', id: 1, name: 'MALFORMED', details: { field } }]);
    },
  );

  it('refuses a forged token with 4502 [PR-35]', async () => {
    const link = fixture.connect();
    link.say({ ...HELLO, token: 'forged' });
    expect(await link.untilClosed()).toMatchObject({ code: 4502, reason: expect.stringMatching(/^UNAUTHORIZED: /) });
    expect(link.messages).toMatchObject([{ type: 'error', id: 1, code: 200, name: 'UNAUTHORIZED' }]);
  });

  it('asks for a new token with 4007 when this one has expired, whoever finds out [PR-36]', async () => {
    table.said = new ImError('TOKEN_EXPIRED');
    table.seen = { user: 'ann', claims: {}, expiresAt: fixture.clock.now() };
    for (const token of ['said', 'seen']) {
      const link = fixture.connect();
      link.say({ ...HELLO, token });
      expect(await link.untilClosed()).toMatchObject({ code: 4007, reason: expect.stringMatching(/^TOKEN_EXPIRED: /) });
      expect(link.messages).toMatchObject([{ type: 'error', id: 1, code: 201, retryable: true }]);
    }
  });

  it.each([
    ['is away', new ImError('VERIFIER_UNAVAILABLE')],
    ['fails', new Error('a secret of the verifier')],
    ['throws another error of ours', new ImError('FORBIDDEN')],
    ['answers nothing', null],
    ['names no user', { user: '', claims: {} }],
    ['names a user that cannot be one', { user: 'a/b', claims: {} }],
    ['names a user that is no text', { user: 7, claims: {} }],
    ['names a product that cannot be one', { user: 'ann', product: 'No!', claims: {} }],
    ['gives an expiry that is no number', { user: 'ann', claims: {}, expiresAt: 'soon' }],
    ['gives no claims', { user: 'ann' }],
    ['gives claims that are none', { user: 'ann', claims: null }],
    ['gives claims without end in bytes', { user: 'ann', claims: { text: '好'.repeat(1_000) } }],
    ['gives claims without end', { user: 'ann', claims: { text: 'x'.repeat(5_000) } }],
  ])('lets nobody in when the verifier %s: 4005 [PR-37]', async (_case, outcome) => {
    const odd = new GatewayFixture({
      verifier: {
        verify: async () => {
          if (outcome instanceof Error) throw outcome;
          return outcome as never;
        },
      },
    });
    const link = odd.connect();
    link.say(HELLO);
    expect(await link.untilClosed()).toMatchObject({
      code: 4005,
      reason: expect.stringMatching(/^VERIFIER_UNAVAILABLE: /),
    });
    expect(link.messages).toMatchObject([{ type: 'error', id: 1, code: 202, retryable: true }]);
    expect(JSON.stringify(link.messages)).not.toContain('secret');
    await odd.close();
  });

  it('lets nobody in when the verifier hangs, and stops waiting for it [PR-37]', async () => {
    let asked: CancelSignal | undefined;
    const hanging = new GatewayFixture({
      verifier: {
        verify: (_token, _source, signal) => {
          asked = signal;
          return new Promise(() => {});
        },
      },
    });
    const link = hanging.connect();
    link.say(HELLO);
    hanging.clock.advance(4_999);
    expect(link.closedWith).toBeUndefined();
    hanging.clock.advance(1);
    expect(await link.untilClosed()).toMatchObject({ code: 4005 });
    const leaver = hanging.connect();
    leaver.say(HELLO);
    leaver.disconnect();
    expect(asked?.aborted).toBe(true);
    await hanging.close();
  });

  it('answers STORE_UNAVAILABLE and closes with 4004 who was verified and cannot be let in in time; the session lasts [PR-43]', async () => {
    const ann = await fixture.enter('ann');
    for (let i = 0; i < 20; i++) await fixture.gift('u:ann', i);
    await ann.until('push', ({ data }) => data === 19);
    const { ticket, session } = await ann.until('welcome');
    ann.disconnect();
    // Each answer comes in time, and brings little: the removals since the ticket cannot be known soon.
    const slow = fixture.another({
      log: (log) => ({
        head: (group) => log.head(group),
        read: async (group, range) => {
          await new Promise<void>((resolve) => fixture.clock.after(1_900, resolve));
          return log.read(group, { ...range, limit: 1 });
        },
      }),
    });
    const link = fixture.connect(slow);
    link.say({ ...HELLO, ticket });
    const pass = async (ms: number): Promise<void> => {
      await new Promise(setImmediate);
      await new Promise(setImmediate);
      fixture.clock.advance(ms);
    };
    for (let i = 0; i < 5; i++) await pass(1_900);
    await pass(499);
    expect(link.closedWith).toBeUndefined();
    await pass(1);
    expect(await link.untilClosed()).toMatchObject({
      code: 4004,
      reason: expect.stringMatching(/^TRY_AGAIN_LATER: /),
    });
    expect(link.messages).toMatchObject([{ type: 'error', id: 1, name: 'STORE_UNAVAILABLE', retryable: true }]);
    await pass(0);
    await pass(2_000);
    bystander.say({ type: 'ping' });
    const again = await fixture.enter('ann', { ticket });
    expect(await again.until('welcome')).toMatchObject({ resumed: true, session });
  });

  it('tells the verifier where the token came from', async () => {
    const seen: unknown[] = [];
    const curious = new GatewayFixture({
      verifier: {
        verify: async (token, source) => {
          seen.push(token, source);
          return { user: 'ann', claims: {} };
        },
      },
    });
    await curious.enter('ann', { device: 'phone-1', platform: 'ios' });
    expect(seen).toEqual(['user:ann', { address: '203.0.113.7', device: 'phone-1', platform: 'ios' }]);
    await curious.close();
  });

  it('makes every connection a member of its user and of everyone [PR-39]', async () => {
    const ann = await fixture.enter('ann');
    const tab = await fixture.enter('ann', { device: 'd2' });
    await fixture.gift('u:ann', 'to both');
    await fixture.gift('r:0', 'to all');
    for (const link of [ann, tab]) {
      await link.until('push', ({ data }) => data === 'to both');
      await link.until('push', ({ data }) => data === 'to all');
    }
    await bystander.until('push', ({ data }) => data === 'to all');
    expect(bystander.all('push')).toHaveLength(1);
  });

  it('closes with 4007 when the token expires [PR-40]', async () => {
    table.short = { user: 'ann', claims: {}, expiresAt: fixture.clock.now() + 60_000 };
    const link = await fixture.enter('ann', { token: 'short' });
    for (let i = 0; i < 5; i++) {
      fixture.clock.advance(11_900);
      link.say({ type: 'ping' });
      bystander.say({ type: 'ping' });
    }
    expect(link.closedWith).toBeUndefined();
    fixture.clock.advance(600);
    expect(await link.untilClosed()).toMatchObject({ code: 4007 });
  });

  it('carries out what was sent behind a hello once the welcome is said [PR-41]', async () => {
    let letIn: ((identity: { user: string; claims: object }) => void) | undefined;
    table.slow = new Promise((resolve) => {
      letIn = resolve as typeof letIn;
    });
    const link = fixture.connect();
    link.say({ ...HELLO, token: 'slow' }, { type: 'call', id: 2, method: 'test.echo', data: 1 }, { type: 'ping' });
    link.say(
      { type: 'call', id: 3, method: 'test.echo' },
      { type: 'cancel', call: 3 },
      { type: 'call', id: 2, method: 'test.echo' },
    );
    fixture.clock.advance(200);
    expect(link.messages).toMatchObject([
      { id: 3, name: 'CANCELLED' },
      { id: 2, name: 'DUPLICATE_ID' },
      { type: 'pong' },
    ]);
    letIn?.({ user: 'ann', claims: {} });
    expect(await link.until('reply')).toEqual({ type: 'reply', id: 2, data: 1 });
    expect(link.messages.map(({ type }) => type)).toEqual(['error', 'error', 'pong', 'welcome', 'reply']);
    expect(fixture.calls).toHaveLength(1);
  });

  it('keeps little of what somebody unknown sends', async () => {
    table.never = new Promise<never>(() => {});
    const link = fixture.connect();
    link.say({ ...HELLO, token: 'never' });
    for (let id = 2; id < 5; id++) link.say({ type: 'call', id, method: 'test.echo', data: 'x'.repeat(30_000) });
    expect(link.messages).toMatchObject([{ id: 4, name: 'TOO_MANY_PENDING' }]);
    link.disconnect();
  });

  it('turns away whom it has no room for with 4004 [PR-126]', async () => {
    const small = new GatewayFixture({
      maxConnections: 2,
      maxAuthenticating: 1,
      maxWaitingHellos: 0,
      verifier: tokenTable({ never: new Promise<never>(() => {}) }),
    });
    const first = small.connect();
    first.say({ ...HELLO, token: 'never' });
    const second = small.connect();
    second.say(HELLO);
    expect(await second.untilClosed()).toMatchObject({
      code: 4004,
      reason: expect.stringMatching(/^TRY_AGAIN_LATER: /),
    });
    const third = small.connect();
    const fourth = small.connect();
    expect(await fourth.untilClosed()).toMatchObject({ code: 4004 });
    first.disconnect();
    await expect.poll(() => third.closedWith ?? small.gateway.connections, { interval: 1 }).toBe(1);
    third.say(HELLO);
    await third.until('welcome');
    await small.close();
  });

  it('keeps no place for whom has gone while it waited [PR-126]', async () => {
    const small = new GatewayFixture({
      maxAuthenticating: 1,
      maxWaitingHellos: 1,
      verifier: tokenTable({ never: new Promise<never>(() => {}) }),
    });
    const first = small.connect();
    first.say({ ...HELLO, token: 'never' });
    const impatient = small.connect();
    impatient.say(HELLO);
    impatient.disconnect();
    const second = small.connect();
    second.say(HELLO);
    first.disconnect();
    await second.until('welcome');
    await small.close();
  });

  it('lets wait whom it has no room for yet, in their order, and carries out what they say meanwhile [PR-41]', async () => {
    let letIn = (): void => {};
    const never = new Promise<never>((_, reject) => {
      letIn = () => reject(new Error('away'));
    });
    const small = await new GatewayFixture({ maxAuthenticating: 1, verifier: tokenTable({ never }) }).serve();
    const first = small.connect();
    first.say({ ...HELLO, token: 'never' });
    const [second, gone, third] = [small.connect(), small.connect(), small.connect()];
    for (const link of [second, gone, third]) {
      link.say({ ...HELLO, token: 'user:ann' }, { type: 'call', id: 2, method: 'test.echo', data: 'hi' });
    }
    gone.disconnect();
    expect([second, third].flatMap(({ messages }) => messages)).toEqual([]);
    letIn();
    expect(await first.untilClosed()).toMatchObject({ code: 4005 });
    expect(await second.answerTo(2)).toEqual({ type: 'reply', id: 2, data: 'hi' });
    expect(await third.answerTo(2)).toEqual({ type: 'reply', id: 2, data: 'hi' });
    expect(gone.messages).toEqual([]);
    await small.close();
  });

  it('turns away with 4004 whose turn does not come in time', async () => {
    const never = new Promise<never>(() => {});
    const timeouts = { verifyTimeoutMs: 60_000, welcomeTimeoutMs: 10_000 };
    const small = new GatewayFixture({ maxAuthenticating: 1, verifier: tokenTable({ never }), ...timeouts });
    const [first, second] = [small.connect(), small.connect()];
    first.say({ ...HELLO, token: 'never' });
    second.say(HELLO);
    small.clock.advance(9_999);
    expect(second.closedWith).toBeUndefined();
    small.clock.advance(101);
    expect(await second.untilClosed()).toMatchObject({ code: 4004 });
    expect(first.closedWith).toBeUndefined();
    first.disconnect();
    await small.close();
  });
});
