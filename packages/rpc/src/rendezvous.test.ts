import { describe, expect, it } from 'vitest';
import { pickByKey } from './rendezvous.js';

const workers = Array.from({ length: 10 }, (_, i) => ({ id: `worker-${i}` }));
const keys = Array.from({ length: 10_000 }, (_, i) => `room-${i}`);

describe('rendezvous hashing', () => {
  it('gives every candidate about its share, even when their ids differ in one character', () => {
    const shares = new Map<unknown, number>();
    for (const key of keys) {
      const { id } = pickByKey(key, workers) ?? {};
      shares.set(id, (shares.get(id) ?? 0) + 1);
    }
    for (const { id } of workers) {
      expect(shares.get(id)).toBeGreaterThan(850);
      expect(shares.get(id)).toBeLessThan(1_150);
    }
  });

  it('moves only the keys of a candidate that leaves', () => {
    const [gone, ...rest] = workers;
    for (const key of keys) {
      const before = pickByKey(key, workers);
      if (before !== gone) expect(pickByKey(key, rest)).toBe(before);
    }
  });

  it('does not depend on the order of the candidates', () => {
    const reversed = [...workers].reverse();
    for (const key of keys) expect(pickByKey(key, reversed)).toBe(pickByKey(key, workers));
  });

  it('has nothing to give without candidates', () => {
    expect(pickByKey('key', [])).toBeUndefined();
  });
});
