// Section 5 of docs/protocol.md: groups and lanes, entered and left by effects.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { effects, type FakeLink, GatewayFixture, tokenTable } from '../testing/index.js';

const join = (group: string) => ({ type: 'join', group }) as const;
const leave = (group: string) => ({ type: 'leave', group }) as const;
const kick = (group?: string) => ({ type: 'kick', code: 1001, reason: 'spam', ...(group && { group }) }) as const;
const kinds = (link: FakeLink): string[] => link.messages.map(({ type }) => type);

describe('groups', () => {
  let fixture: GatewayFixture;
  let ann: FakeLink;
  let nextId = 2;
  beforeEach(async () => {
    nextId = 2;
    fixture = await new GatewayFixture().serve();
    ann = await fixture.enter('ann');
  });
  afterEach(() => fixture.close());

  /** A call whose answer has these effects. */
  const cause = async (link: FakeLink, ...list: Parameters<typeof effects>) => {
    const id = nextId++;
    link.say({ type: 'call', id, ...effects(...list) });
    return link.answerTo(id);
  };
  const held = (link: FakeLink, key: string): number => {
    const id = nextId++;
    link.say({ type: 'call', id, method: 'test.held', data: key });
    return id;
  };
  const turn = (): Promise<void> => new Promise(setImmediate);

  it('says joined, with the position of the log, before the reply [PR-62] [PR-63] [PR-64]', async () => {
    await fixture.gift('r:1', 'before');
    const { epoch } = await fixture.gift('r:1', 'before too');
    await cause(ann, join('r:1'));
    expect(kinds(ann)).toEqual(['welcome', 'joined', 'reply']);
    expect(ann.all('joined')).toEqual([{ type: 'joined', group: 'r:1', epoch, version: 2 }]);
    await fixture.gift('r:1', 'after');
    expect(await ann.until('push')).toMatchObject({ group: 'r:1', version: 3, data: 'after' });
  });

  it('says nothing again to who is in it already, and lets a second call wait for the first [PR-62] [PR-63]', async () => {
    ann.say({ type: 'call', id: 20, ...effects(join('r:1')) }, { type: 'call', id: 21, ...effects(join('r:1')) });
    await ann.answerTo(21);
    await cause(ann, join('r:1'));
    expect(kinds(ann).filter((kind) => kind !== 'ticket')).toEqual(['welcome', 'joined', 'reply', 'reply', 'reply']);
  });

  it('says left, and sends no push of the group until it is joined again [PR-62] [PR-64] [PR-65] [PR-66]', async () => {
    await cause(ann, join('r:1'), join('r:2'));
    await cause(ann, leave('r:1'));
    expect(ann.all('left')).toEqual([{ type: 'left', group: 'r:1', code: 0, reason: expect.any(String) }]);
    expect(
      kinds(ann)
        .slice(kinds(ann).indexOf('left'))
        .filter((kind) => kind !== 'ticket'),
    ).toEqual(['left', 'reply']);
    await fixture.gift('r:1', 'unseen');
    await fixture.chat('r:1', 'unseen');
    await fixture.gift('r:2', 'seen');
    await ann.until('push');
    await cause(ann, join('r:1'));
    await fixture.gift('r:1', 'seen again');
    await ann.until('push', ({ data }) => data === 'seen again');
    expect(ann.all('push').map(({ data }) => data)).toEqual(['seen', 'seen again']);
    expect(ann.all('joined').at(-1)).toMatchObject({ group: 'r:1', version: 1 });
  });

  it('says nothing of leaving a group that one is not in', async () => {
    await cause(ann, leave('r:1'));
    expect(kinds(ann)).toEqual(['welcome', 'reply']);
  });

  it('shows clients of a product group ids without it, and keeps products apart [PR-61]', async () => {
    const products = await new GatewayFixture({
      verifier: tokenTable({
        one: { user: 'ann', product: 'p1', claims: {} },
        two: { user: 'ann', product: 'p2', claims: {} },
      }),
    }).serve();
    const one = await products.enter('ann', { token: 'one' });
    const two = await products.enter('ann', { token: 'two' });
    for (const link of [one, two]) {
      await cause(link, join('r:1'));
      expect((await link.until('welcome')).groups.map(({ group }) => group)).toEqual(['u:ann', 'r:0']);
      expect(link.all('joined')).toMatchObject([{ group: 'r:1' }]);
    }
    await products.gift('r:1', 'to nobody');
    await products.gift('p2/r:1', 'to two');
    await products.chat('p1/r:1', 'to one');
    await products.gift('p1/u:ann', 'to one');
    await one.until('push', ({ group }) => group === 'u:ann');
    await one.until('push', ({ group }) => group === 'r:1');
    expect(one.all('push').map(({ data }) => data)).toEqual(['to one', 'to one']);
    expect(await two.until('push')).toMatchObject({ group: 'r:1', data: 'to two' });
    expect(products.calls[0]?.caller.product).toBe('p1');
    expect(await products.online.count('p1/r:1')).toBe(1);
    await cause(one, leave('r:1'));
    expect(one.all('left')).toMatchObject([{ group: 'r:1' }]);
    await products.close();
  });

  it('removes from a product, and tells all of it, without another product noticing [PR-61]', async () => {
    const products = await new GatewayFixture({
      verifier: tokenTable({
        one: { user: 'ann', product: 'p1', claims: {} },
        two: { user: 'ann', product: 'p2', claims: {} },
        none: { user: 'ann', claims: {} },
      }),
    }).serve();
    const one = await products.enter('ann', { token: 'one' });
    const two = await products.enter('ann', { token: 'two' });
    const none = await products.enter('ann', { token: 'none' });
    await products.gift('p1/u:ann', kick(), '$kick');
    await one.untilClosed();
    await products.gift('p1/r:0', 'to all of one');
    await products.gift('r:0', 'to all of none');
    await products.gift('p2/r:0', 'to all of two');
    expect(await two.until('push')).toMatchObject({ group: 'r:0', data: 'to all of two' });
    expect(await none.until('push')).toMatchObject({ group: 'r:0', data: 'to all of none' });
    expect([two.all('push').length, none.all('push').length]).toEqual([1, 1]);
    await products.close();
  });

  it('fails the call that joins one group too many, with all its effects, and tells the worker [PR-67]', async () => {
    const small = await new GatewayFixture({ limits: { groups: 2 } }).serve();
    const bob = await small.enter('bob');
    await cause(bob, join('r:1'));
    expect(await cause(bob, join('r:2'), join('r:3'))).toMatchObject({
      type: 'error',
      code: 402,
      name: 'TOO_MANY_GROUPS',
    });
    expect(bob.all('joined')).toHaveLength(1);
    expect(await cause(bob, leave('r:1'), join('r:1'), join('r:2'))).toMatchObject({ type: 'reply' });
    expect(await cause(bob, join('r:2'))).toMatchObject({ type: 'reply' });
    expect(small.rejected).toMatchObject([
      { user: 'bob', method: 'effects', reason: 'too-many-groups', effects: [join('r:2'), join('r:3')] },
    ]);
    await small.close();
  });

  it('counts what a reply leaves before what it joins, in the order of its effects [PR-67]', async () => {
    const small = await new GatewayFixture({ limits: { groups: 2 } }).serve();
    const bob = await small.enter('bob');
    await cause(bob, join('r:1'), join('r:2'));
    expect(await cause(bob, leave('r:1'), join('r:3'))).toMatchObject({ type: 'reply' });
    expect(await cause(bob, leave('r:2'), leave('r:2'), join('r:4'), join('r:5'))).toMatchObject({ code: 402 });
    expect(await cause(bob, join('r:4'), leave('r:2'))).toMatchObject({ code: 402 });
    expect(await cause(bob, leave('r:2'), leave('r:3'), join('r:4'), join('r:5'))).toMatchObject({ type: 'reply' });
    expect(bob.all('joined').map(({ group }) => group)).toEqual(['r:1', 'r:2', 'r:3', 'r:4', 'r:5']);
    expect(bob.all('left').map(({ group }) => group)).toEqual(['r:1', 'r:2', 'r:3']);
    await small.close();
  });

  it('makes no room by leaving what a later call has entered [PR-67] [PR-68]', async () => {
    const small = await new GatewayFixture({ limits: { groups: 2 } }).serve();
    const bob = await small.enter('bob');
    const first = held(bob, 'first');
    await cause(bob, join('r:1'), join('r:2'));
    await small.answer('first', leave('r:1'), join('r:3'));
    expect(await bob.answerTo(first)).toMatchObject({ code: 402 });
    expect(await small.online.count('r:1')).toBe(1);
    await small.close();
  });

  it('lets an effect of an earlier call never undo that of a later one [PR-68]', async () => {
    const first = held(ann, 'first');
    await cause(ann, join('r:1'));
    await fixture.answer('first', leave('r:1'), join('r:2'));
    expect(await ann.answerTo(first)).toMatchObject({ type: 'reply' });
    await fixture.gift('r:1', 'still in');
    await ann.until('push');
    expect(ann.all('left')).toEqual([]);
    expect(ann.all('joined').map(({ group }) => group)).toEqual(['r:1', 'r:2']);
    const { session } = await ann.until('welcome');
    await expect
      .poll(() => fixture.rejected, { interval: 1 })
      .toEqual([{ method: 'held', user: 'ann', session, effects: [leave('r:1')], reason: 'overtaken' }]);
  });

  it('leaves a group whose entry is under way when a later call says so [PR-68]', async () => {
    let goOn: (() => void) | undefined;
    const slow = await new GatewayFixture({
      log: (log) => ({
        head: async (group) => {
          if (group === 'r:1') await new Promise<void>((resolve) => (goOn = resolve));
          return log.head(group);
        },
        read: (group, range) => log.read(group, range),
      }),
    }).serve();
    const bob = await slow.enter('bob');
    bob.say({ type: 'call', id: 50, ...effects(join('r:1')) });
    await expect.poll(() => goOn, { interval: 1 }).toBeDefined();
    await cause(bob, leave('r:1'));
    goOn?.();
    expect(await bob.answerTo(50)).toMatchObject({ type: 'reply' });
    expect(kinds(bob)).toEqual(['welcome', 'reply', 'reply']);
    await expect
      .poll(() => slow.rejected, { interval: 1 })
      .toMatchObject([{ reason: 'overtaken', effects: [join('r:1')] }]);
    await slow.close();
  });

  it.each([
    ['cancelled', 'CANCELLED', (link: FakeLink, id: number) => link.say({ type: 'cancel', call: id })],
    ['timed-out', 'DEADLINE_EXCEEDED', () => fixture.clock.advance(10_000)],
  ] as const)(
    'does not apply the effects of a call that was %s, and tells the worker [PR-69]',
    async (reason, name, end) => {
      const id = held(ann, 'late');
      await expect.poll(() => fixture.calls.length, { interval: 1 }).toBe(1);
      end(ann, id);
      expect(await ann.answerTo(id)).toMatchObject({ name });
      await fixture.answer('late', join('r:1'));
      await expect
        .poll(() => fixture.rejected, { interval: 1 })
        .toMatchObject([{ method: 'held', user: 'ann', effects: [join('r:1')], reason }]);
      expect(kinds(ann)).toEqual(['welcome', 'error']);
    },
  );

  it('does not apply the effects of a call whose connection ended, and tells the worker [PR-69]', async () => {
    held(ann, 'late');
    await expect.poll(() => fixture.calls.length, { interval: 1 }).toBe(1);
    ann.disconnect();
    await fixture.answer('late', join('r:1'));
    await expect
      .poll(() => fixture.rejected, { interval: 1 })
      .toMatchObject([{ effects: [join('r:1')], reason: 'disconnected' }]);
    expect(await fixture.online.count('r:1')).toBe(0);
  });

  it('keeps out whom the server removed until a call made afterwards joins again [PR-70]', async () => {
    await cause(ann, join('r:1'));
    held(ann, 'before');
    await expect.poll(() => fixture.calls.length, { interval: 1 }).toBe(2);
    await fixture.gift('u:ann', kick('r:1'), '$kick');
    expect(await ann.until('left')).toEqual({ type: 'left', group: 'r:1', code: 1001, reason: 'spam' });
    await fixture.answer('before', join('r:1'));
    await expect
      .poll(() => fixture.rejected, { interval: 1 })
      .toMatchObject([{ effects: [join('r:1')], reason: 'overtaken' }]);
    expect(ann.all('joined')).toHaveLength(1);
    await cause(ann, join('r:1'));
    expect(ann.all('joined')).toHaveLength(2);
  });

  it('removes a user from a group on all connections, and nobody else [PR-70]', async () => {
    const tab = await fixture.enter('ann', { device: 'd2' });
    const bob = await fixture.enter('bob');
    for (const link of [ann, tab, bob]) await cause(link, join('r:1'));
    await fixture.gift('u:ann', kick('r:1'), '$kick');
    for (const link of [ann, tab]) await link.until('left');
    await fixture.gift('r:1', 'for bob');
    await bob.until('push');
    for (const link of [ann, tab]) expect(link.all('push').map(({ event }) => event)).toEqual(['$kick']);
    expect(await fixture.online.count('r:1')).toBe(1);
  });

  it('closes all connections of a user who is removed altogether, with 4503 [PR-71]', async () => {
    const tab = await fixture.enter('ann', { device: 'd2' });
    const bob = await fixture.enter('bob');
    await fixture.gift('u:ann', kick(), '$kick');
    for (const link of [ann, tab]) {
      expect(await link.untilClosed()).toEqual({ code: 4503, reason: 'REMOVED: spam' });
    }
    await cause(bob, join('r:1'));
    expect(bob.closedWith).toBeUndefined();
  });

  it('removes the caller when its worker says so', async () => {
    await cause(ann, join('r:1'), join('r:2'));
    await cause(ann, kick('r:1'));
    expect(ann.all('left')).toEqual([{ type: 'left', group: 'r:1', code: 1001, reason: 'spam' }]);
    ann.say({ type: 'call', id: 50, ...effects(kick()) });
    expect(await ann.untilClosed()).toMatchObject({ code: 4503 });
  });

  it('ignores a kick that is none', async () => {
    for (const body of [
      'nonsense',
      { type: 'kick' },
      { type: 'join', group: 'r:1' },
      { ...kick(), group: 'u:ann' },
      null,
    ]) {
      await fixture.gift('u:ann', body, '$kick');
    }
    await expect.poll(() => ann.all('push').length, { interval: 1 }).toBe(5);
    expect(kinds(ann)).toEqual(['welcome', 'push', 'push', 'push', 'push', 'push']);
    await fixture.gift('r:0', kick(), '$kick');
    await ann.until('push', ({ group }) => group === 'r:0');
    expect(ann.closedWith).toBeUndefined();
  });

  it.each([
    ['no array', { type: 'join', group: 'r:1' }],
    ['an unknown effect', [{ type: 'dance' }]],
    ['no object', [null]],
    ['a group outside the grammar', [{ type: 'join', group: 'R:1' }]],
    ['a group with a product', [{ type: 'join', group: 'p1/r:1' }]],
    ['somebody else’s user group', [{ type: 'join', group: 'u:bob' }]],
    ['leaving everyone', [{ type: 'leave', group: 'r:0' }]],
    ['a kick without a code', [{ type: 'kick', reason: 'x' }]],
    ['a kick with code 0', [{ type: 'kick', code: 0, reason: 'x' }]],
    ['a kick without a reason', [{ type: 'kick', code: 1 }]],
    ['attributes that are none', [{ type: 'set', attributes: [1] }]],
    ['an attribute that is no value', [{ type: 'set', attributes: { a: { b: 1 } } }]],
    ['an attribute name that is none', [JSON.parse('{"type":"set","attributes":{"__proto__":1}}')]],
    ['attributes without end', [{ type: 'set', attributes: { a: 'x'.repeat(3_000) } }]],
    ['attributes without end in bytes', [{ type: 'set', attributes: { a: '好'.repeat(1_000) } }]],
    ['effects without end', Array.from({ length: 65 }, () => ({ type: 'leave', group: 'r:1' }))],
    [
      'one good and one bad',
      [
        { type: 'join', group: 'r:1' },
        { type: 'join', group: '' },
      ],
    ],
  ])('answers INTERNAL, applies nothing and logs when a worker answers %s', async (_case, list) => {
    ann.say({ type: 'call', id: 2, method: 'test.effects', data: list });
    expect(await ann.answerTo(2)).toMatchObject({ type: 'error', code: 303, name: 'INTERNAL' });
    expect(kinds(ann)).toEqual(['welcome', 'error']);
    expect(fixture.logger.records).toMatchObject([{ level: 'error', fields: { method: 'test.effects' } }]);
    nextId = 3;
    expect(await cause(ann, join('r:1'))).toMatchObject({ type: 'reply' });
  });

  it('merges attributes, tells them to workers, and shows them in online lists', async () => {
    await cause(ann, { type: 'set', attributes: { name: 'Ann', level: 3, vip: true } }, join('r:1'));
    expect((await fixture.online.page('r:1', { limit: 10 })).members).toMatchObject([
      { user: 'ann', attributes: { name: 'Ann', level: 3, vip: true } },
    ]);
    await cause(ann, { type: 'set', attributes: { level: 4, vip: null } });
    expect((await fixture.online.page('r:1', { limit: 10 })).members).toMatchObject([
      { user: 'ann', attributes: { name: 'Ann', level: 4 } },
    ]);
    await cause(ann);
    expect(fixture.calls.at(-1)?.caller.attributes).toEqual({ name: 'Ann', level: 4 });
  });

  it('fits what a worker is told of the caller into the headers of a call, whatever it is made of', async () => {
    const claims = { name: '好'.repeat(678) };
    const longest = await new GatewayFixture({
      node: 'n'.repeat(64),
      verifier: tokenTable({ longest: { user: 'u'.repeat(64), product: 'p'.repeat(16), claims } }),
    }).serve();
    expect(Buffer.byteLength(JSON.stringify(claims))).toBeGreaterThan(2_040);
    const hello = { token: 'longest', device: 'd'.repeat(64), platform: 'p'.repeat(16) };
    const bob = await longest.enter('bob', hello);
    const attributes = { a: '😀'.repeat(509) };
    expect(Buffer.byteLength(JSON.stringify(attributes))).toBeGreaterThan(2_040);
    expect(await cause(bob, { type: 'set', attributes })).toMatchObject({ type: 'reply' });
    expect(await cause(bob)).toMatchObject({ type: 'reply' });
    expect(longest.calls.at(-1)?.caller).toMatchObject({ attributes, claims });
    expect(await cause(bob, { type: 'set', attributes: { b: '好'.repeat(10) } })).toMatchObject({ name: 'INTERNAL' });
    await longest.close();
  });

  it('lists who is in a group until they leave or are gone', async () => {
    const bob = await fixture.enter('bob');
    for (const link of [ann, bob]) await cause(link, join('r:1'));
    expect(await fixture.online.count('r:1')).toBe(2);
    await cause(bob, leave('r:1'));
    expect(await fixture.online.count('r:1')).toBe(1);
    ann.disconnect();
    expect(await fixture.online.count('r:1')).toBe(0);
  });

  it('renews the ticket once a turn when groups or attributes have changed [PR-91]', async () => {
    await cause(ann, join('r:1'), join('r:2'), { type: 'set', attributes: { a: 1 } });
    await ann.until('ticket');
    await turn();
    expect(ann.all('ticket')).toHaveLength(1);
    await cause(ann, leave('r:1'));
    await expect.poll(() => ann.all('ticket').length, { interval: 1 }).toBe(2);
  });
});
