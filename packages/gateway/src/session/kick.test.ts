import type { Broadcast } from '@im/broadcast';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Gateway } from '../gateway.js';
import { effects, type FakeLink, GatewayFixture } from '../testing/index.js';

const join = (group: string) => ({ type: 'join', group }) as const;
const kick = (group?: string) => ({ type: 'kick', code: 1001, reason: 'spam', ...(group && { group }) }) as const;
const settle = async (): Promise<void> => {
  for (let i = 0; i < 6; i++) await new Promise(setImmediate);
};

describe('a removal of its caller by a worker', () => {
  let fixture: GatewayFixture;
  /** Where the caller is connected: removals are written into the log of its user once `record` is called. */
  let slow: Gateway;
  let ann: FakeLink;
  let ticket: string;
  let asked: Promise<void>;
  let record: () => void;
  let recorded: Promise<unknown>;

  /** The bus, but removals wait. */
  function waiting(broadcast: Broadcast): Broadcast {
    const released = new Promise<void>((resolve) => {
      record = resolve;
    });
    return {
      createSubscriber: (handlers) => broadcast.createSubscriber(handlers),
      close: () => broadcast.close(),
      createPublisher: () => {
        const publisher = broadcast.createPublisher();
        let ask: () => void;
        asked = new Promise((resolve) => {
          ask = resolve;
        });
        return {
          publishMany: (...given) => publisher.publishMany(...given),
          close: () => publisher.close(),
          async publish(group, publication, options) {
            if (publication.event !== '$kick') return publisher.publish(group, publication, options);
            ask();
            recorded = released.then(() => publisher.publish(group, publication, options));
            return recorded as ReturnType<typeof publisher.publish>;
          },
        };
      },
    };
  }
  beforeEach(async () => {
    fixture = await new GatewayFixture({ limits: { groups: 100 } }).serve();
    slow = fixture.another({ broadcast: waiting(fixture.broadcast) });
    ann = await fixture.enter('ann', {}, slow);
    ann.say({ type: 'call', id: 2, ...effects(join('r:1'), join('r:2')) });
    ({ ticket } = await ann.until('ticket'));
  });
  afterEach(() => fixture.close());

  it('is on record before it takes hold, and takes hold before the reply [PR-64] [PR-92]', async () => {
    ann.say({ type: 'call', id: 3, ...effects(kick('r:1'), { type: 'leave', group: 'r:2' }) });
    await asked;
    await settle();
    expect(ann.all('left')).toEqual([]);
    record();
    await ann.answerTo(3);
    expect(ann.all('left').map(({ group, code }) => [group, code])).toEqual([
      ['r:1', 1001],
      ['r:2', 0],
    ]);
    expect((await fixture.log.head('u:ann')).version).toBe(1);
    const kinds = ann.messages.map(({ type }) => type);
    expect(kinds.lastIndexOf('left')).toBeLessThan(kinds.lastIndexOf('reply'));
  });

  it('takes hold once: who enters the group again afterwards stays [PR-70]', async () => {
    record();
    ann.say({ type: 'call', id: 3, ...effects(kick('r:1')) });
    await ann.answerTo(3);
    ann.say({ type: 'call', id: 4, ...effects(join('r:1')) });
    await ann.answerTo(4);
    await ann.until('push', ({ event }) => event === '$kick');
    await settle();
    expect(ann.all('left')).toHaveLength(1);
    expect(await fixture.online.count('r:1')).toBe(1);
  });

  it.each([
    ['another gateway', () => fixture.gateway],
    ['the same gateway', () => slow],
  ])(
    'reaches the session when it went on at %s, with a ticket from before, meanwhile [PR-70] [PR-92]',
    async (_case, where) => {
      ann.say({ type: 'call', id: 3, ...effects(kick('r:1')) });
      await asked;
      const again = await fixture.enter('ann', { ticket }, where());
      expect(await ann.untilClosed()).toMatchObject({ code: 4505 });
      record();
      await recorded;
      expect(await again.until('left')).toMatchObject({ group: 'r:1', code: 1001, reason: 'spam' });
      await settle();
      expect(again.all('left')).toHaveLength(1);
      expect([await fixture.online.count('r:1'), await fixture.online.count('r:2')]).toEqual([0, 1]);
    },
  );

  it('closes the session wherever it went on meanwhile, and no ticket brings it back [PR-42] [PR-71]', async () => {
    ann.say({ type: 'call', id: 3, ...effects(kick()) });
    await asked;
    const again = await fixture.enter('ann', { ticket });
    record();
    expect(await again.untilClosed()).toEqual({ code: 4503, reason: 'REMOVED: spam' });
    for (const gateway of [slow, fixture.gateway, fixture.another()]) {
      const third = fixture.connect(gateway);
      third.say({ type: 'hello', id: 1, token: 'user:ann', device: 'd1', platform: 'web', ticket });
      expect(await third.untilClosed()).toMatchObject({ code: 4503 });
    }
  });

  it('holds here also when it cannot be recorded in the time of the call; what else the worker wanted does not [PR-53] [PR-72]', async () => {
    ann.say({ type: 'call', id: 3, ...effects(kick('r:1'), join('r:3')), timeoutMs: 500 });
    await asked;
    fixture.clock.advance(500);
    expect(await ann.answerTo(3)).toMatchObject({ type: 'error', name: 'DEADLINE_EXCEEDED' });
    expect(ann.all('left')).toMatchObject([{ group: 'r:1', code: 1001 }]);
    expect(fixture.logger.records).toMatchObject([{ level: 'error', message: 'a removal could not be recorded' }]);
    await expect
      .poll(() => fixture.rejected, { interval: 1 })
      .toMatchObject([{ effects: [join('r:3')], reason: 'timed-out' }]);
    expect(ann.all('joined')).toHaveLength(2);
    record();
    await recorded;
  });

  it('holds whatever becomes of the rest of the reply', async () => {
    const joins = Array.from({ length: 63 }, (_, i) => join(`r:${i + 10}`));
    record();
    ann.say({ type: 'call', id: 3, ...effects(...joins) });
    await ann.answerTo(3);
    ann.say({ type: 'call', id: 4, ...effects(kick('r:1'), ...joins.map(({ group }) => join(`${group}x`))) });
    expect(await ann.answerTo(4)).toMatchObject({ name: 'TOO_MANY_GROUPS' });
    expect(ann.all('left')).toMatchObject([{ group: 'r:1', code: 1001 }]);
    await expect
      .poll(() => fixture.rejected, { interval: 1 })
      .toMatchObject([{ reason: 'too-many-groups', effects: { length: 63 } }]);
  });
});
