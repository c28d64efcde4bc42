import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startWorkers, type WorkerFixture, withKey } from '../worker-fixture.js';
import { giftDefinition } from './gift-service.js';

let fixture: WorkerFixture;
beforeEach(async () => {
  fixture = await startWorkers();
  fixture.watch('r:1');
  fixture.online.enter('r:1', 'ann');
  fixture.online.enter('r:1', 'bob');
});
afterEach(() => fixture.close());

const gift = (user: string) => fixture.as(giftDefinition, user);

describe('gift', () => {
  it('goes to the room as a priority push', async () => {
    const given = await gift('ann').send({ room: '1', gift: 'cake', count: 3 }, withKey('ann', 'k1'));
    expect(given.value).toBe(60);
    expect(fixture.pushes('gift')).toEqual([
      { ...given, from: { user: 'ann', name: 'ANN' }, gift: 'cake', title: 'Cake', icon: '🎂', count: 3 },
    ]);
    expect(fixture.deliveries[0]).toMatchObject({ lane: 'priority', version: 1, id: given.id });
  });

  it('is given once however often the call is repeated, and every repeat gets the answer of the first', async () => {
    const first = await gift('ann').send({ room: '1', gift: 'rose' }, withKey('ann', 'k1'));
    fixture.clock.advance(5_000);
    const repeats = await Promise.all([
      gift('ann').send({ room: '1', gift: 'rose' }, withKey('ann', 'k1')),
      gift('ann').send({ room: '1', gift: 'castle' }, withKey('ann', 'k1')),
    ]);
    expect(repeats).toEqual([first, first]);
    expect(fixture.pushes('gift')).toHaveLength(1);
  });

  it('is another one with another key, or from another person', async () => {
    await gift('ann').send({ room: '1', gift: 'rose' }, withKey('ann', 'k1'));
    await gift('ann').send({ room: '1', gift: 'rose' }, withKey('ann', 'k2'));
    await gift('bob').send({ room: '1', gift: 'rose' }, withKey('bob', 'k1'));
    expect(new Set(fixture.pushes('gift').map(({ id }) => id)).size).toBe(3);
  });

  it('is refused without key, when it is not in the catalogue, and from outside the room', async () => {
    await expect(gift('ann').send({ room: '1', gift: 'rose' })).rejects.toMatchObject({ name: 'KEY_REQUIRED' });
    const refused: [string, string, object][] = [
      ['ann', 'GIFT_UNKNOWN', { gift: 'yacht' }],
      ['cat', 'FORBIDDEN', {}],
      ['ann', 'INVALID_INPUT', { count: 0 }],
    ];
    for (const [user, name, input] of refused) {
      const call = gift(user).send({ room: '1', gift: 'rose', ...input }, withKey(user, name));
      await expect(call).rejects.toMatchObject({ name });
    }
    expect(fixture.deliveries).toEqual([]);
  });

  it('has a catalogue', async () => {
    const { gifts } = await gift('ann').catalogue();
    expect(gifts.map((one) => one.gift)).toContain('rocket');
  });
});
