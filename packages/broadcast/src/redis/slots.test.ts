import { describe, expect, it } from 'vitest';
import { readSlots, slotOf } from './slots.js';

describe('slots of a Redis Cluster', () => {
  // Of the Redis Cluster specification, and of CLUSTER KEYSLOT.
  it.each([
    ['123456789', 12_739],
    ['foo', 12_182],
    ['a{foo}b', 12_182],
    ['{}foo', 9_500],
  ])('are those that Redis says: %s', (channel, slot) => {
    expect(slotOf(channel)).toBe(slot);
  });

  it('are read from what a node tells, whose own address it may not know', () => {
    const { masters, owners } = readSlots(
      [
        [0, 99, ['', 7000, 'id'], ['10.0.0.9', 7000, 'replica']],
        [100, 199, ['10.0.0.2', 7000]],
        [300, 300, ['', 7000]],
      ],
      '10.0.0.1',
    );
    expect(masters).toEqual([
      { host: '10.0.0.1', port: 7000 },
      { host: '10.0.0.2', port: 7000 },
    ]);
    expect([0, 99, 100, 199, 200, 300].map((slot) => owners[slot])).toEqual([0, 0, 1, 1, -1, 0]);
  });
});
