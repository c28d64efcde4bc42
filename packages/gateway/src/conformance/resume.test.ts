// Section 7 of docs/protocol.md: positions, resume and sync.
import type { Position } from '@im/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { effects, type FakeLink, GatewayFixture, tokenTable } from '../testing/index.js';

const kick = (group?: string) => ({ type: 'kick', code: 1001, reason: 'spam', ...(group && { group }) }) as const;

describe('resume', () => {
  let fixture: GatewayFixture;
  let ann: FakeLink;
  let nextId: number;
  beforeEach(async () => {
    nextId = 2;
    fixture = await new GatewayFixture().serve();
    ann = await fixture.enter('ann');
  });
  afterEach(() => fixture.close());

  const cause = async (link: FakeLink, ...list: Parameters<typeof effects>) => {
    const id = nextId++;
    link.say({ type: 'call', id, ...effects(...list) });
    return link.answerTo(id);
  };
  /** Joins groups and waits for the ticket that holds them. */
  const enterGroups = async (link: FakeLink, ...groups: string[]): Promise<string> => {
    const before = link.all('ticket').length;
    await cause(link, ...groups.map((group) => ({ type: 'join', group }) as const));
    await expect.poll(() => link.all('ticket').length, { interval: 1 }).toBeGreaterThan(before);
    return link.all('ticket').at(-1)?.ticket ?? '';
  };
  const pushed = (link: FakeLink, group: string): unknown[] =>
    link.all('push').flatMap((push) => (push.group === group ? [push.data] : []));
  const groupOf = (link: FakeLink, name: string) => link.all('welcome')[0]?.groups.find(({ group }) => group === name);

  it('joins the groups of the ticket again and sends what was missed, once, in order, before anything newer [PR-92] [PR-94] [PR-95]', async () => {
    const ticket = await enterGroups(ann, 'r:1', 'r:2');
    const seen = await fixture.gift('r:1', 1);
    await ann.until('push');
    ann.disconnect();
    for (let i = 2; i < 400; i++) await fixture.gift('r:1', i);
    const again = fixture.connect();
    again.say({
      type: 'hello',
      id: 1,
      token: 'user:ann',
      device: 'd1',
      platform: 'web',
      ticket,
      positions: { 'r:1': seen },
    });
    const newer = Promise.all([fixture.gift('r:1', 400), fixture.gift('r:1', 401)]);
    const welcome = await again.until('welcome');
    await newer;
    await again.until('push', ({ data }) => data === 401);
    expect(welcome).toMatchObject({ resumed: true, left: [], session: ann.all('welcome')[0]?.session });
    expect(welcome.groups.map(({ group }) => group)).toEqual(['u:ann', 'r:0', 'r:1', 'r:2']);
    expect(groupOf(again, 'r:1')).toEqual({ group: 'r:1', ...seen, recovered: true });
    expect(groupOf(again, 'r:2')).toEqual({ group: 'r:2', epoch: expect.any(String), version: 0 });
    expect(pushed(again, 'r:1')).toEqual(Array.from({ length: 400 }, (_, i) => i + 2));
  });

  it('resumes without positions too: what comes from now on is sent [PR-92] [PR-94]', async () => {
    const ticket = await enterGroups(ann, 'r:1');
    await fixture.gift('r:1', 'missed');
    ann.disconnect();
    const again = await fixture.enter('ann', { ticket });
    expect(groupOf(again, 'r:1')).toEqual({ group: 'r:1', epoch: expect.any(String), version: 1 });
    await fixture.gift('r:1', 'new');
    await again.until('push');
    expect(pushed(again, 'r:1')).toEqual(['new']);
  });

  it('keeps attributes and the order of calls across connections', async () => {
    await cause(ann, { type: 'set', attributes: { name: 'Ann' } });
    const ticket = await enterGroups(ann, 'r:1');
    const before = fixture.calls.at(-1)?.caller.sequence ?? 0;
    ann.disconnect();
    const again = await fixture.enter('ann', { ticket });
    await cause(again);
    expect(fixture.calls.at(-1)?.caller).toMatchObject({ attributes: { name: 'Ann' } });
    expect(fixture.calls.at(-1)?.caller.sequence).toBeGreaterThan(before + 1_000);
  });

  it.each([
    ['forged', (ticket: string) => `${ticket.slice(0, -2)}AA`],
    ['signed with another key', () => 'v1.k9.e30.c2ln'],
    ['no ticket at all', () => 'hello'],
  ])('resumes nothing by a ticket that is %s [PR-93]', async (_case, forge) => {
    const ticket = await enterGroups(ann, 'r:1');
    ann.disconnect();
    const again = await fixture.enter('ann', { ticket: forge(ticket) });
    const welcome = await again.until('welcome');
    expect(welcome).toMatchObject({ resumed: false, left: [] });
    expect(welcome.groups.map(({ group }) => group)).toEqual(['u:ann', 'r:0']);
    expect(welcome.session).not.toBe(ann.all('welcome')[0]?.session);
  });

  it('resumes nothing by a ticket of another user, device or product, or an expired one [PR-93]', async () => {
    const ticket = await enterGroups(ann, 'r:1');
    ann.disconnect();
    const other = fixture.another({ verifier: tokenTable({ 'user:ann': { user: 'ann', product: 'p1', claims: {} } }) });
    const attempts = [
      await fixture.enter('bob', { ticket }),
      await fixture.enter('ann', { ticket, device: 'd2' }),
      await fixture.enter('ann', { ticket }, other),
    ];
    fixture.clock.advance(3_600_000);
    attempts.push(await fixture.enter('ann', { ticket }));
    for (const link of attempts) {
      expect(await link.until('welcome')).toMatchObject({ resumed: false, left: [] });
      expect(link.all('welcome')[0]?.groups).toHaveLength(2);
    }
  });

  it('brings what was published while a log that answers late still says the older state [PR-95]', async () => {
    const ticket = await enterGroups(ann, 'r:1');
    const seen = await fixture.gift('r:1', 1);
    await ann.until('push');
    const bob = await fixture.enter('bob');
    await enterGroups(bob, 'r:1');
    await fixture.gift('r:1', 2);
    await bob.until('push', ({ data }) => data === 2);
    ann.disconnect();
    const answers: (() => void)[] = [];
    const late = fixture.another({
      log: (log) => ({
        head: (group) => log.head(group),
        async read(group, range) {
          const page = await log.read(group, range);
          if (group === 'r:1') await new Promise<void>((resolve) => answers.push(resolve));
          return page;
        },
      }),
    });
    const hello = { type: 'hello', id: 1, token: 'user:ann', platform: 'web', positions: { 'r:1': seen } };
    const first = fixture.connect(late);
    first.say({ ...hello, device: 'd1', ticket });
    await expect.poll(() => answers.length, { interval: 1 }).toBe(1);
    await fixture.gift('r:1', 3);
    await fixture.gift('u:bob', 'delivered');
    await bob.until('push', ({ data }) => data === 'delivered');
    // A second one returns and shares the first one's page, which lacks what was delivered meanwhile.
    const second = await fixture.enter('carl', {}, late);
    second.say({ type: 'call', id: 7, ...effects({ type: 'join', group: 'r:1' }), since: { 'r:1': seen } });
    await second.until('welcome');
    const answering = setInterval(() => {
      for (const answer of answers.splice(0)) answer();
    }, 1);
    for (const link of [first, second]) {
      await link.until('push', ({ group, data }) => group === 'r:1' && data === 3);
      expect(pushed(link, 'r:1')).toEqual([2, 3]);
    }
    clearInterval(answering);
  });

  it('does not restore a group that the user was removed from since, and says so [PR-70] [PR-92] [PR-94]', async () => {
    const ticket = await enterGroups(ann, 'r:1', 'r:2');
    ann.disconnect();
    await fixture.gift('u:ann', kick('r:1'), '$kick');
    const again = await fixture.enter('ann', { ticket });
    const welcome = await again.until('welcome');
    expect(welcome).toMatchObject({ resumed: true, left: [{ group: 'r:1', code: 1001, reason: 'spam' }] });
    expect(welcome.groups.map(({ group }) => group)).toEqual(['u:ann', 'r:0', 'r:2']);
    await fixture.gift('r:1', 'unseen');
    await fixture.gift('r:2', 'seen');
    await again.until('push', ({ group }) => group === 'r:2');
    expect(pushed(again, 'r:1')).toEqual([]);
  });

  it('lets nobody resume whom the server removed altogether since: 4503 [PR-42] [PR-71] [PR-92]', async () => {
    const ticket = await enterGroups(ann, 'r:1');
    ann.disconnect();
    await fixture.gift('u:ann', kick(), '$kick');
    const again = fixture.connect();
    again.say({ type: 'hello', id: 1, token: 'user:ann', device: 'd1', platform: 'web', ticket });
    expect(await again.untilClosed()).toEqual({ code: 4503, reason: 'REMOVED: spam' });
    expect(again.messages).toMatchObject([
      { type: 'error', id: 1, name: 'KICKED', details: { code: 1001, reason: 'spam' } },
    ]);
    expect(await (await fixture.enter('ann')).until('welcome')).toMatchObject({ resumed: false });
  });

  it('lets nobody resume whom the server removed altogether while connected, with any ticket, at any gateway [PR-42] [PR-71]', async () => {
    const ticket = await enterGroups(ann, 'r:1');
    await fixture.gift('u:ann', kick(), '$kick');
    expect(await ann.untilClosed()).toEqual({ code: 4503, reason: 'REMOVED: spam' });
    for (const gateway of [fixture.gateway, fixture.another()]) {
      const again = fixture.connect(gateway);
      again.say({ type: 'hello', id: 1, token: 'user:ann', device: 'd1', platform: 'web', ticket });
      expect(await again.untilClosed()).toMatchObject({ code: 4503 });
      expect(again.messages).toMatchObject([{ type: 'error', id: 1, name: 'KICKED' }]);
    }
  });

  it('lets nobody resume whom a worker removed altogether, though the removal is not on record yet [PR-42]', async () => {
    const ticket = await enterGroups(ann, 'r:1');
    ann.say({ type: 'call', id: 90, ...effects(kick()) });
    await ann.untilClosed();
    const again = fixture.connect();
    again.say({ type: 'hello', id: 1, token: 'user:ann', device: 'd1', platform: 'web', ticket });
    expect(await again.untilClosed()).toMatchObject({ code: 4503 });
    expect(again.all('welcome')).toEqual([]);
  });

  it('holds a removal by the caller’s own worker against tickets from before it, at every gateway [PR-92]', async () => {
    const ticket = await enterGroups(ann, 'r:1', 'r:2');
    await cause(ann, kick('r:1'));
    await ann.until('push', ({ event }) => event === '$kick');
    ann.disconnect();
    const again = await fixture.enter('ann', { ticket }, fixture.another());
    expect(await again.until('welcome')).toMatchObject({ resumed: true, left: [{ group: 'r:1', code: 1001 }] });
    const tab = await fixture.enter('ann', { device: 'd2' });
    const tabTicket = await enterGroups(tab, 'r:1', 'r:2');
    await cause(again, kick('r:2'));
    await tab.until('push', ({ event }) => event === '$kick');
    expect(tab.all('left')).toEqual([]);
    // Nor is the other device's session when it comes back with a ticket from before.
    tab.disconnect();
    const tabAgain = await fixture.enter('ann', { device: 'd2', ticket: tabTicket }, fixture.another());
    expect(await tabAgain.until('welcome')).toMatchObject({ resumed: true, left: [] });
    expect(tabAgain.all('welcome')[0]?.groups).toHaveLength(4);
  });

  it('restores a group that was entered again after the removal', async () => {
    await enterGroups(ann, 'r:1');
    await fixture.gift('u:ann', kick('r:1'), '$kick');
    await ann.until('left');
    const ticket = await enterGroups(ann, 'r:1');
    ann.disconnect();
    const again = await fixture.enter('ann', { ticket }, fixture.another());
    expect(await again.until('welcome')).toMatchObject({ resumed: true, left: [], groups: [{}, {}, { group: 'r:1' }] });
  });

  it('applies a removal that comes while the groups are restored [PR-92]', async () => {
    const ticket = await enterGroups(ann, 'r:1');
    ann.disconnect();
    let goOn: (() => void) | undefined;
    const slow = fixture.another({
      log: (log) => ({
        head: async (group) => {
          if (group === 'r:1') await new Promise<void>((resolve) => (goOn = resolve));
          return log.head(group);
        },
        read: (group, range) => log.read(group, range),
      }),
    });
    const again = fixture.connect(slow);
    again.say({ type: 'hello', id: 1, token: 'user:ann', device: 'd1', platform: 'web', ticket });
    await expect.poll(() => goOn, { interval: 1 }).toBeDefined();
    await new Promise(setImmediate);
    await fixture.gift('u:ann', kick('r:1'), '$kick');
    await new Promise(setImmediate);
    goOn?.();
    expect(await again.until('welcome')).toMatchObject({ left: [{ group: 'r:1', code: 204 }] });
    expect(again.all('welcome')[0]?.groups).toHaveLength(2);
  });

  it('resumes nothing when the log of the user begins anew: removals can no longer be proven [PR-93]', async () => {
    let epoch: string | undefined;
    const rolledBack = fixture.another({
      log: (log) => ({
        head: async (group) => ({ ...(await log.head(group)), ...(epoch && group === 'u:ann' && { epoch }) }),
        read: async (group, range) => ({
          ...(await log.read(group, range)),
          ...(epoch && group === 'u:ann' && { epoch }),
        }),
      }),
    });
    const ticket = await enterGroups(ann, 'r:1');
    ann.disconnect();
    epoch = 'another';
    const again = await fixture.enter('ann', { ticket }, rolledBack);
    expect(await again.until('welcome')).toMatchObject({
      resumed: false,
      left: [{ group: 'r:1', code: 401, reason: expect.any(String) }],
    });
    expect(again.all('welcome')[0]?.groups).toHaveLength(2);
    expect(again.all('shed')).toEqual([]);
  });

  it('makes who cannot prove a ticket a new session: no id, no attributes, no place among the calls of the old one [PR-93]', async () => {
    await cause(ann, { type: 'set', attributes: { role: 'host' } });
    const ticket = await enterGroups(ann, 'r:1');
    const before = fixture.calls.at(-1)?.caller;
    ann.disconnect();
    let away = true;
    const blind = fixture.another({
      log: (log) => ({
        head: (group) => (away ? Promise.reject(new Error('away')) : log.head(group)),
        read: (group, range) => (away ? Promise.reject(new Error('away')) : log.read(group, range)),
      }),
    });
    const again = await fixture.enter('ann', { ticket }, blind);
    away = false;
    const welcome = await again.until('welcome');
    expect(welcome.resumed).toBe(false);
    expect(welcome.session).not.toBe(before?.session);
    await cause(again, { type: 'join', group: 'r:2' });
    const { caller } = fixture.calls.at(-1) ?? {};
    expect(caller).toMatchObject({ session: welcome.session, attributes: {}, sequence: 1 });
    expect((await fixture.online.page('r:2', { limit: 10 })).members).toMatchObject([{ user: 'ann', attributes: {} }]);
    // It is the new one that removals reach, and that goes on.
    const { ticket: renewed } = await again.until('ticket');
    again.disconnect();
    expect(await fixture.online.count('r:2')).toBe(0);
    const third = await fixture.enter('ann', { ticket: renewed }, blind);
    expect(await third.until('welcome')).toMatchObject({ resumed: false, left: [{ group: 'r:2' }] });
    await fixture.gift('u:ann', kick(), '$kick');
    expect(await third.untilClosed()).toMatchObject({ code: 4503 });
  });

  it('resumes nothing when the log of the user was trimmed behind the ticket [PR-93]', async () => {
    const short = await new GatewayFixture({
      retention: { default: { maxEntries: 3, maxBytes: 100_000, maxAgeMs: 1_000_000 } },
    }).serve();
    const bob = await short.enter('bob');
    const ticket = await enterGroups(bob, 'r:1');
    bob.disconnect();
    await short.gift('u:bob', kick('r:1'), '$kick');
    for (let i = 0; i < 3; i++) await short.gift('u:bob', i);
    const again = await short.enter('bob', { ticket });
    expect(await again.until('welcome')).toMatchObject({ resumed: false, left: [{ group: 'r:1' }] });
    await short.close();
  });

  it('resumes nothing while the log of the user cannot be read, but lets the user in [PR-93]', async () => {
    const ticket = await enterGroups(ann, 'r:1');
    ann.disconnect();
    const blind = fixture.another({
      log: () => ({ head: () => Promise.reject(new Error('away')), read: () => Promise.reject(new Error('away')) }),
    });
    const again = await fixture.enter('ann', { ticket, positions: { 'u:ann': { epoch: 'e', version: 3 } } }, blind);
    const welcome = await again.until('welcome');
    expect(welcome).toMatchObject({ resumed: false, left: [{ group: 'r:1' }] });
    // The client is believed until the log can be read: then it is told that this is another one.
    expect(groupOf(again, 'u:ann')).toEqual({ group: 'u:ann', epoch: 'e', version: 3, recovered: true });
    const { epoch } = await fixture.gift('u:ann', 'back');
    await again.until('push');
    expect(again.all('reset')).toMatchObject([{ group: 'u:ann', epoch, version: 0, missed: { epoch: 'e', after: 3 } }]);
  });

  /** A gateway whose store a test may take away, and how. */
  const awayAtWill = () => {
    const store = { isAway: false };
    const unlessAway = <T>(read: () => Promise<T>): Promise<T> =>
      store.isAway ? Promise.reject(new Error('away')) : read();
    const gateway = fixture.another({
      log: (log) => ({
        head: (group) => unlessAway(() => log.head(group)),
        read: (group, range) => unlessAway(() => log.read(group, range)),
      }),
    });
    return { store, gateway };
  };
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 100) {
      fixture.clock.advance(100);
      await new Promise(setImmediate);
    }
  };

  it('holds for who comes back while the store is restarted to where others have stayed [PR-95]', async () => {
    const { store, gateway } = awayAtWill();
    const { epoch } = await fixture.gift('u:ann', 1);
    const other = await fixture.enter('ann', { device: 'd2' }, gateway);
    await other.until('welcome');
    await fixture.gift('u:ann', 2);
    await other.until('push');
    store.isAway = true;
    const again = fixture.connect(gateway);
    const positions = { 'u:ann': { epoch, version: 1 } };
    again.say({ type: 'hello', id: 1, token: 'user:ann', device: 'd1', platform: 'web', positions });
    await pass(1_000);
    expect(again.messages).toEqual([]);
    store.isAway = false;
    await pass(200);
    expect(groupOf(again, 'u:ann')).toEqual({ group: 'u:ann', epoch, version: 1, recovered: true });
    await again.until('push');
    expect(pushed(again, 'u:ann')).toEqual([2]);
  });

  it('lets them in, and tells what is missing, where the store stays away [PR-96]', async () => {
    const { store, gateway } = awayAtWill();
    const { epoch } = await fixture.gift('u:ann', 1);
    const other = await fixture.enter('ann', { device: 'd2' }, gateway);
    await other.until('welcome');
    await fixture.gift('u:ann', 2);
    await other.until('push');
    store.isAway = true;
    const positions = { 'u:ann': { epoch, version: 1 } };
    for (const patienceMs of [2_200, 0]) {
      const again = fixture.connect(gateway);
      again.say({ type: 'hello', id: 1, token: 'user:ann', device: 'd1', platform: 'web', positions });
      await pass(patienceMs);
      await again.until('welcome');
      const missed = { after: 1, upto: 2 };
      expect(groupOf(again, 'u:ann')).toEqual({ group: 'u:ann', epoch, version: 2, recovered: false, missed });
    }
  });

  it('shows nothing that is not for a client, though the store is away and the client says that it has not seen it [PR-136]', async () => {
    const { store, gateway } = awayAtWill();
    for (const data of [1, 2, 3]) await fixture.gift('g:1', data);
    const { epoch, version } = await fixture.gift('g:1', 4);
    ann.disconnect();
    ann = await fixture.enter('ann', {}, gateway);
    store.isAway = true;
    const call = { type: 'call', id: nextId++, since: { 'g:1': { epoch, version: 1 } } } as const;
    ann.say({ ...call, ...effects({ type: 'join', group: 'g:1', after: 3 }) });
    expect(await ann.until('joined')).toEqual({
      ...{ type: 'joined', group: 'g:1', epoch, version: 3, recovered: false },
      missed: { after: 1, upto: 3 },
    });
    store.isAway = false;
    await pass(600);
    await ann.until('push');
    expect(pushed(ann, 'g:1')).toEqual([version]);
  });

  it('brings what was missed, and nothing twice, to who came back while the store was away [PR-95]', async () => {
    const ann = await fixture.enter('ann');
    for (const data of [1, 2]) await fixture.gift('u:ann', data);
    await ann.until('push', ({ data }) => data === 2);
    ann.disconnect();
    const { epoch } = await fixture.gift('u:ann', 3);
    let away = true;
    const blind = fixture.another({
      log: (log) => ({
        head: (group) => (away ? Promise.reject(new Error('away')) : log.head(group)),
        read: (group, range) => (away ? Promise.reject(new Error('away')) : log.read(group, range)),
      }),
    });
    const again = await fixture.enter('ann', { positions: { 'u:ann': { epoch, version: 2 } } }, blind);
    await again.until('welcome');
    expect(groupOf(again, 'u:ann')).toMatchObject({ epoch, version: 2, recovered: true });
    away = false;
    fixture.clock.advance(500);
    await again.until('push', ({ data }) => data === 3);
    await fixture.gift('u:ann', 4);
    await again.until('push', ({ data }) => data === 4);
    expect(pushed(again, 'u:ann')).toEqual([3, 4]);
    expect(again.all('reset')).toEqual([]);
  });

  it('says which messages are lost when the log no longer has them [PR-94] [PR-96]', async () => {
    const short = await new GatewayFixture({
      retention: { default: { maxEntries: 3, maxBytes: 100_000, maxAgeMs: 1_000_000 } },
    }).serve();
    const bob = await short.enter('bob');
    const ticket = await enterGroups(bob, 'r:1');
    const seen = await short.gift('r:1', 1);
    bob.disconnect();
    for (let i = 2; i < 10; i++) await short.gift('r:1', i);
    const again = await short.enter('bob', { ticket, positions: { 'r:1': seen } });
    expect(groupOf(again, 'r:1')).toEqual({
      ...{ group: 'r:1', epoch: seen.epoch, version: 6, recovered: false, missed: { after: 1, upto: 6 } },
    });
    await again.until('push', ({ data }) => data === 9);
    expect(pushed(again, 'r:1')).toEqual([7, 8, 9]);
    await short.close();
  });

  it('replays a bounded number, says which it left out, and gives them on demand [PR-96] [PR-100]', async () => {
    const bounded = await new GatewayFixture({ maxReplay: 10 }).serve();
    const bob = await bounded.enter('bob');
    const ticket = await enterGroups(bob, 'r:1');
    const seen = await bounded.gift('r:1', 1);
    bob.disconnect();
    for (let i = 2; i <= 31; i++) await bounded.gift('r:1', i);
    const again = await bounded.enter('bob', { ticket, positions: { 'r:1': seen } });
    expect(groupOf(again, 'r:1')).toMatchObject({ version: 21, recovered: false, missed: { after: 1, upto: 21 } });
    await again.until('push', ({ data }) => data === 31);
    expect(pushed(again, 'r:1')).toEqual(Array.from({ length: 10 }, (_, i) => 22 + i));
    again.say({ type: 'sync', id: 2, group: 'r:1', epoch: seen.epoch, after: 1, limit: 20 });
    expect(await again.answerTo(2)).toMatchObject({ version: 21, more: true });
    expect(pushed(again, 'r:1').slice(10)).toEqual(Array.from({ length: 20 }, (_, i) => 2 + i));
    await bounded.close();
  });

  it.each([
    ['of another epoch', { epoch: 'elsewhere', version: 7 }, 0, [1, 2]],
    ['ahead of the log', { version: 9 }, 2, []],
  ])('answers a position %s with recovered: false and its epoch [PR-97]', async (_case, given, version, replayed) => {
    const ticket = await enterGroups(ann, 'r:1');
    await fixture.gift('r:1', 1);
    const { epoch } = await fixture.gift('r:1', 2);
    ann.disconnect();
    const position = { epoch, ...given };
    const again = await fixture.enter('ann', { ticket, positions: { 'r:1': position } });
    expect(groupOf(again, 'r:1')).toEqual({
      ...{ group: 'r:1', epoch, version, recovered: false, missed: { epoch: position.epoch, after: position.version } },
    });
    await fixture.gift('r:1', 'next');
    await again.until('push', ({ data }) => data === 'next');
    expect(pushed(again, 'r:1')).toEqual([...replayed, 'next']);
  });

  it('uses the positions of a call for the groups which that call joins [PR-98]', async () => {
    const seen = await fixture.gift('r:1', 1);
    for (const data of [2, 3]) await fixture.gift('r:1', data);
    const since = { 'r:1': seen, 'r:9': { epoch: 'x', version: 1 } };
    ann.say({ type: 'call', id: 50, ...effects({ type: 'join', group: 'r:1' }), since });
    await ann.answerTo(50);
    expect(ann.messages.slice(1).map(({ type }) => type)).toEqual(['joined', 'shed', 'push', 'push', 'reply']);
    expect(ann.all('joined')).toEqual([{ type: 'joined', group: 'r:1', ...seen, recovered: true }]);
    expect(
      Buffer.from(ann.chunks[3] ?? [])
        .toString('utf8')
        .split('\n'),
    ).toHaveLength(2);
  });

  it('tells of every group the client was in before that normal messages may have been missed [PR-99]', async () => {
    const ticket = await enterGroups(ann, 'r:1');
    ann.disconnect();
    const again = await fixture.enter('ann', { ticket });
    await again.until('shed', ({ group }) => group === 'r:1');
    expect(again.all('shed')).toEqual(
      ['u:ann', 'r:0', 'r:1'].map((group) => ({ type: 'shed', group, reason: 'disconnected' })),
    );
    const fresh = await fixture.enter('eve', { positions: { 'r:0': { epoch: 'x', version: 0 } } });
    await fresh.until('shed');
    expect(fresh.all('shed')).toEqual([{ type: 'shed', group: 'r:0', reason: 'disconnected' }]);
    const newcomer = await fixture.enter('new');
    await cause(newcomer, { type: 'join', group: 'r:1' });
    expect(newcomer.all('shed')).toEqual([]);
  });

  it('gives a page of a log on demand, and says whether there is more [PR-100]', async () => {
    await enterGroups(ann, 'r:1');
    let at: Position = { epoch: '', version: 0 };
    for (let i = 1; i <= 5; i++) at = await fixture.gift('r:1', i);
    await ann.until('push', ({ data }) => data === 5);
    const before = ann.all('push').length;
    const { epoch } = at;
    ann.say({ type: 'sync', id: 60, group: 'r:1', epoch, after: 1, limit: 2 });
    expect(await ann.answerTo(60)).toEqual({ type: 'synced', id: 60, group: 'r:1', epoch, version: 3, more: true });
    expect(ann.all('push').slice(before)).toMatchObject([
      { version: 2, data: 2 },
      { version: 3, data: 3 },
    ]);
    ann.say({ type: 'sync', id: 61, group: 'r:1', epoch, after: 3, limit: 1_000 });
    expect(await ann.answerTo(61)).toMatchObject({ version: 5, more: false });
    ann.say({ type: 'sync', id: 62, group: 'r:1', epoch, after: 5, limit: 1 });
    expect(await ann.answerTo(62)).toMatchObject({ version: 5, more: false });
    ann.say({ type: 'sync', id: 63, group: 'u:ann', epoch: groupOf(ann, 'u:ann')?.epoch, after: 0, limit: 1 });
    expect(await ann.answerTo(63)).toMatchObject({ type: 'synced', version: 0, more: false });
  });

  it('shows nothing up to the version that a join names, whatever is asked for, also after a resume elsewhere [PR-136]', async () => {
    let at: Position = { epoch: '', version: 0 };
    for (let i = 1; i <= 5; i++) at = await fixture.gift('g:1', i);
    const { epoch } = at;
    const join = { type: 'join', group: 'g:1', after: 3 } as const;
    ann.say({ type: 'call', id: nextId, ...effects(join), since: { 'g:1': { epoch: 'elsewhere', version: 0 } } });
    await ann.answerTo(nextId++);
    expect(await ann.until('joined')).toMatchObject({ version: 3, recovered: false });
    expect(pushed(ann, 'g:1')).toEqual([4, 5]);
    const { ticket = '' } = await ann.until('ticket');
    ann.disconnect();

    for (const gateway of [fixture.gateway, fixture.another()]) {
      const again = await fixture.enter('ann', { ticket, positions: { 'g:1': { epoch, version: 1 } } }, gateway);
      expect(groupOf(again, 'g:1')).toMatchObject({ version: 3, recovered: false, missed: { after: 1, upto: 3 } });
      await again.until('push', ({ data }) => data === 5);
      again.say({ type: 'sync', id: 70, group: 'g:1', epoch, after: 0, limit: 1_000 });
      expect(await again.answerTo(70)).toMatchObject({ version: 5, more: false });
      expect(pushed(again, 'g:1')).toEqual([4, 5, 4, 5]);
      again.disconnect();
    }
  });

  it('shows nothing up to that version either where the gateway has not heard of it yet [PR-136]', async () => {
    const { epoch } = await fixture.gift('g:1', 1);
    await enterGroups(await fixture.enter('bob', { device: 'd2' }), 'g:1');
    // Stored, and not published: its broadcast node was killed in between.
    for (const data of [2, 3]) {
      const body = new TextEncoder().encode(String(data));
      await fixture.log.append('g:1', { event: 'gift', body, time: fixture.clock.now() });
    }
    await cause(ann, { type: 'join', group: 'g:1', after: 3 });
    expect(await ann.until('joined')).toEqual({ type: 'joined', group: 'g:1', epoch, version: 3 });
    await fixture.gift('g:1', 4);
    await ann.until('push', ({ data }) => data === 4);
    expect(pushed(ann, 'g:1')).toEqual([4]);
  });

  it('refuses sync of a group one is not in, of another epoch, ahead of the log, or out of reach [PR-101]', async () => {
    await enterGroups(ann, 'r:1');
    const { epoch } = await fixture.gift('r:1', 1);
    const sync = (id: number, fields: object): void =>
      ann.say({ type: 'sync', id, group: 'r:1', epoch, after: 0, limit: 1, ...fields });
    sync(60, { group: 'r:2' });
    sync(61, { group: 'u:bob' });
    sync(62, { epoch: 'another' });
    sync(63, { after: 2 });
    expect(await ann.answerTo(60)).toMatchObject({ code: 401, name: 'NOT_A_MEMBER' });
    expect(await ann.answerTo(61)).toMatchObject({ name: 'NOT_A_MEMBER' });
    expect(await ann.answerTo(62)).toMatchObject({ code: 501, name: 'EPOCH_CHANGED', details: { epoch } });
    expect(await ann.answerTo(63)).toMatchObject({ code: 502, name: 'POSITION_AHEAD', details: { version: 1 } });
    const blind = fixture.another({
      log: (log) => ({ head: (group) => log.head(group), read: () => new Promise(() => {}) }),
    });
    const bob = await fixture.enter('bob', {}, blind);
    bob.say({ type: 'sync', id: 2, group: 'r:0', epoch: 'e', after: 0, limit: 1 });
    fixture.clock.advance(2_000);
    expect(await bob.answerTo(2)).toMatchObject({ code: 500, name: 'STORE_UNAVAILABLE', retryable: true });
  });

  it('tells members that a log began anew, before the first push of the new epoch [PR-102]', async () => {
    // The test plays the bus: the log of r:1 is another one now.
    let deliver: ((group: string, epoch: string, version: number) => void) | undefined;
    const { broadcast } = fixture;
    const rolled = fixture.another({
      broadcast: {
        createPublisher: () => broadcast.createPublisher(),
        createSubscriber: (handlers) => {
          deliver = (group, epoch, version) => {
            const body = Buffer.from(`"${epoch}${version}"`);
            handlers.onDelivery({ group, lane: 'priority', event: 'gift', epoch, version, body, time: 0 });
          };
          return broadcast.createSubscriber(handlers);
        },
        close: async () => {},
      },
    });
    const bob = await fixture.enter('bob', {}, rolled);
    await enterGroups(bob, 'r:1');
    const { epoch } = await fixture.gift('r:1', 'old');
    await bob.until('push');
    deliver?.('r:1', 'new', 1);
    deliver?.('r:1', 'new', 2);
    deliver?.('r:1', epoch, 2);
    // What is late of the old epoch is nobody's loss.
    await bob.until('push', ({ data }) => data === `${epoch}2`);
    expect(bob.all('reset')).toEqual([
      { type: 'reset', group: 'r:1', epoch: 'new', version: 0, recovered: false, missed: { epoch, after: 1 } },
      { type: 'reset', group: 'r:1', epoch, version: 1, recovered: false, missed: { epoch: 'new', after: 2 } },
    ]);
    expect(pushed(bob, 'r:1')).toEqual(['old', 'new1', 'new2', `${epoch}2`]);
  });

  it('closes the old connection with 4505 when its session is resumed while it is open [PR-103]', async () => {
    const ticket = await enterGroups(ann, 'r:1');
    const again = await fixture.enter('ann', { ticket });
    expect(await ann.untilClosed()).toMatchObject({
      code: 4505,
      reason: expect.stringMatching(/^SESSION_TAKEN_OVER: /),
    });
    expect(await again.until('welcome')).toMatchObject({ resumed: true, session: ann.all('welcome')[0]?.session });
    await fixture.gift('r:1', 'once');
    await again.until('push');
    expect(await fixture.online.count('r:1')).toBe(1);
  });

  it('does so also when the old connection is at another gateway, and clients see nothing of it [PR-103]', async () => {
    const ticket = await enterGroups(ann, 'r:1');
    const other = fixture.another();
    const again = await fixture.enter('ann', { ticket }, other);
    expect(await ann.untilClosed()).toMatchObject({ code: 4505 });
    expect(await fixture.online.count('r:1')).toBe(1);
    const next = again.all('welcome')[0]?.ticket;
    const back = await fixture.enter('ann', { ticket: next });
    expect(await again.untilClosed()).toMatchObject({ code: 4505 });
    await fixture.gift('u:ann', 'hello');
    await back.until('push');
    expect(back.all('push').map(({ event }) => event)).toEqual(['gift']);
    expect(back.closedWith).toBeUndefined();
  });

  it('keeps a session that lost its connection: it knows better than an old ticket [PR-104]', async () => {
    const old = await enterGroups(ann, 'r:1');
    await enterGroups(ann, 'r:2');
    await cause(ann, { type: 'leave', group: 'r:1' });
    ann.disconnect();
    fixture.clock.advance(59_000);
    const again = await fixture.enter('ann', { ticket: old });
    expect(again.all('welcome')[0]?.groups.map(({ group }) => group)).toEqual(['u:ann', 'r:0', 'r:2']);
  });

  it('goes on with the ticket alone when the session is forgotten, here or at another gateway [PR-104]', async () => {
    const ticket = await enterGroups(ann, 'r:1');
    await enterGroups(ann, 'r:2');
    ann.disconnect();
    const elsewhere = await fixture.enter('ann', { ticket }, fixture.another());
    expect(elsewhere.all('welcome')[0]?.groups.map(({ group }) => group)).toEqual(['u:ann', 'r:0', 'r:1']);
    elsewhere.disconnect();
    fixture.clock.advance(61_000);
    const here = await fixture.enter('ann', { ticket });
    expect(here.all('welcome')[0]).toMatchObject({ resumed: true, groups: [{}, {}, { group: 'r:1' }] });
  });

  it('keeps what a connection was to resume when it is lost before its welcome [PR-104]', async () => {
    const old = await enterGroups(ann, 'r:1');
    await enterGroups(ann, 'r:2');
    ann.disconnect();
    const lost = fixture.connect();
    lost.say({ type: 'hello', id: 1, token: 'user:ann', device: 'd1', platform: 'web', ticket: old });
    await new Promise<void>((resolve) => queueMicrotask(resolve));
    await Promise.resolve();
    lost.disconnect();
    const again = await fixture.enter('ann', { ticket: old });
    expect(again.all('welcome')[0]?.groups.map(({ group }) => group)).toEqual(['u:ann', 'r:0', 'r:1', 'r:2']);
  });
});
