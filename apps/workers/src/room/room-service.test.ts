import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { effectsOf, startWorkers, type WorkerFixture, withKey } from '../worker-fixture.js';
import { roomDefinition } from './room-service.js';

let fixture: WorkerFixture;
beforeEach(async () => {
  fixture = await startWorkers();
});
afterEach(() => fixture.close());

const room = (user: string, extra = {}) => fixture.as(roomDefinition, user, extra);

describe('room', () => {
  it('is entered through an effect, and the count includes who enters', async () => {
    fixture.online.enter('r:10000', 'bob');
    const { output, headers } = await room('ann').enter.reply({ room: '10000' });
    expect(output).toEqual({ room: '10000', count: 2 });
    expect(effectsOf(headers)).toEqual([
      { type: 'set', attributes: { name: 'ANN' } },
      { type: 'join', group: 'r:10000' },
    ]);
  });

  it('counts nobody twice who enters again, and sets the name only once', async () => {
    fixture.online.enter('r:10000', 'ann');
    const { output, headers } = await room('ann', { attributes: { name: 'ANN' } }).enter.reply({ room: '10000' });
    expect(output.count).toBe(1);
    expect(effectsOf(headers)).toEqual([{ type: 'join', group: 'r:10000' }]);
  });

  it('of a product is counted within it, while effects leave the product to the gateway', async () => {
    fixture.online.enter('r:1', 'stranger');
    fixture.online.enter('p1/r:1', 'bob');
    const { output, headers } = await room('ann', { product: 'p1' }).enter.reply({ room: '1' });
    expect(output.count).toBe(2);
    expect(effectsOf(headers)).toContainEqual({ type: 'join', group: 'r:1' });
  });

  it.each(['0', '', 'a b', 'x'.repeat(65), '../1', '房间'])('is refused when its name is %j', async (name) => {
    await expect(room('ann').enter({ room: name })).rejects.toMatchObject({ name: 'INVALID_INPUT' });
  });

  it('is left through an effect', async () => {
    const { headers } = await room('ann').leave.reply({ room: '10000' });
    expect(effectsOf(headers)).toEqual([{ type: 'leave', group: 'r:10000' }]);
  });

  it('shows its members to members alone, page by page, with their names', async () => {
    fixture.online.enter('r:1', 'ann', { name: 'Ann' });
    fixture.online.enter('r:1', 'bob');
    fixture.online.enter('r:1', 'cat', { name: 'Cat' });
    const first = await room('ann').members({ room: '1', limit: 2 });
    expect(first.members).toEqual([
      { user: 'ann', name: 'Ann', since: 0 },
      { user: 'bob', name: 'bob', since: 1 },
    ]);
    const second = await room('ann').members({ room: '1', limit: 2, cursor: first.cursor });
    expect(second.members.map(({ user }) => user)).toEqual(['cat']);
    expect(second.cursor).toBeUndefined();
    await expect(room('dan').members({ room: '1' })).rejects.toMatchObject({ name: 'FORBIDDEN' });
  });

  it('passes likes on to the room', async () => {
    fixture.watch('r:1');
    fixture.online.enter('r:1', 'ann');
    await room('ann').like({ room: '1', count: 7 });
    expect(fixture.pushes('like')).toEqual([{ user: 'ann', count: 7 }]);
    expect(fixture.deliveries[0]).toMatchObject({
      lane: 'normal',
      terms: { conflate: { mode: 'sum', key: 'like', amount: 7 } },
    });
    expect(fixture.deliveries[0]).not.toHaveProperty('id');
    await expect(room('bob').like({ room: '1' })).rejects.toMatchObject({ name: 'FORBIDDEN' });
    await expect(room('ann').like({ room: '1', count: 101 })).rejects.toMatchObject({ name: 'INVALID_INPUT' });
  });

  it('gives likes that come with a key one message id, however often they come', async () => {
    fixture.watch('r:1');
    fixture.online.enter('r:1', 'ann');
    fixture.online.enter('r:1', 'bob');
    await room('ann').like({ room: '1' }, withKey('ann', 'k1'));
    await room('ann').like({ room: '1' }, withKey('ann', 'k2'));
    await room('bob').like({ room: '1' }, withKey('bob', 'k1'));
    // As another worker would, that has not answered the first.
    const other = await startWorkers();
    other.watch('r:1');
    other.online.enter('r:1', 'ann');
    await other.as(roomDefinition, 'ann').like({ room: '1' }, withKey('ann', 'k1'));
    const [first, second, third] = fixture.deliveries.map(({ id }) => id);
    expect(new Set([first, second, third]).size).toBe(3);
    expect(other.deliveries[0]?.id).toBe(first);
    await other.close();
  });

  it('removes a person when a moderator says so, by a priority message to that person', async () => {
    fixture.watch('u:bob');
    await expect(room('ann').kick({ room: '1', user: 'bob' })).rejects.toMatchObject({ name: 'FORBIDDEN' });
    await room('mo', { claims: { role: 'moderator' } }).kick({ room: '1', user: 'bob', reason: 'spam' });
    expect(fixture.pushes('$kick')).toEqual([{ type: 'kick', group: 'r:1', code: 204, reason: 'spam' }]);
    expect(fixture.deliveries[0]).toMatchObject({ group: 'u:bob', lane: 'priority', version: 1 });
  });

  it('answers only calls that come through a gateway', async () => {
    const call = fixture.caller.call('room', 'enter', new TextEncoder().encode('{"room":"1"}'));
    await expect(call).rejects.toMatchObject({ name: 'FORBIDDEN' });
  });
});

describe('an online list that several processes share', () => {
  it('may learn of somebody a moment after the entering: then a call waits, for as long as that may take', async () => {
    const late = await startWorkers({ onlineLagMs: 1_000 });
    const idle = late.clock.pendingTimers;
    /** Lets each look that a call waits for happen, until it has ended. */
    const passTime = async (call: Promise<unknown>): Promise<void> => {
      let hasEnded = false;
      const end = () => {
        hasEnded = true;
      };
      void call.then(end, end);
      await vi.waitFor(
        () => {
          if (late.clock.pendingTimers > idle) late.clock.advance(50);
          expect(hasEnded).toBe(true);
        },
        { interval: 1 },
      );
    };
    const like = (user: string) => late.as(roomDefinition, user).like({ room: '1' });
    const call = like('ann');
    await vi.waitFor(() => expect(late.clock.pendingTimers).toBeGreaterThan(idle));
    late.online.enter('r:1', 'ann');
    await passTime(call);
    await expect(call).resolves.toBeDefined();
    const refused = like('bob');
    await passTime(refused);
    await expect(refused).rejects.toMatchObject({ name: 'FORBIDDEN' });
    await late.close();
  });
});

describe('the audience', () => {
  const told = () => fixture.pushes('audience');
  /** One look of the timer, with all that follows from it. */
  const look = async () => {
    fixture.clock.advance(2_000);
    await vi.waitFor(() => expect(fixture.clock.pendingTimers).toBeGreaterThan(0));
    await new Promise(setImmediate);
  };

  beforeEach(() => fixture.watch('r:1'));

  it('is told to a room two seconds after something happened there, and again only when it changed', async () => {
    fixture.online.enter('r:1', 'ann');
    await room('ann').count({ room: '1' });
    expect(told()).toEqual([]);
    await look();
    expect(told()).toEqual([{ room: '1', count: 1 }]);
    expect(fixture.deliveries[0]?.terms?.conflate).toEqual({ mode: 'latest', key: 'audience' });
    await look();
    fixture.online.enter('r:1', 'bob');
    fixture.online.enter('r:1', 'cat');
    await look();
    expect(told()).toEqual([
      { room: '1', count: 1 },
      { room: '1', count: 3 },
    ]);
  });

  it('is not counted for rooms that somebody merely names', async () => {
    for (let index = 0; index < 20; index += 1) await room('ann').count({ room: `room-${index}` });
    expect(fixture.metrics.value('im_workers_watched_rooms')).toBe(0);
  });

  it('follows people who vanish without a word', async () => {
    fixture.online.enter('r:1', 'ann');
    fixture.online.enter('r:1', 'bob');
    await room('ann').count({ room: '1' });
    await look();
    fixture.online.leave('r:1', 'bob');
    await look();
    expect(told().map(({ count }) => count)).toEqual([2, 1]);
  });

  it('waits for who is just entering, and rests when the room is empty', async () => {
    await room('ann').enter({ room: '1' });
    await look();
    fixture.online.enter('r:1', 'ann');
    await look();
    expect(told()).toEqual([{ room: '1', count: 1 }]);
    fixture.online.leave('r:1', 'ann');
    await look();
    fixture.clock.advance(2_000);
    await vi.waitFor(() => expect(fixture.metrics.value('im_workers_watched_rooms')).toBe(0));
  });
});
