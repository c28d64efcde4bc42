import { describe, expect, it } from 'vitest';
import { seededRandom } from './seeded-random.js';

const take = (seed: number, count: number) => Array.from({ length: count }, seededRandom(seed));

describe('seededRandom', () => {
  it('repeats itself for the same seed and differs for another', () => {
    expect(take(7, 100)).toEqual(take(7, 100));
    expect(take(7, 100)).not.toEqual(take(8, 100));
  });

  it('stays in [0, 1) and fills it evenly', () => {
    const buckets = new Array<number>(10).fill(0);
    for (const value of take(1, 10_000)) {
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThan(1);
      const bucket = Math.floor(value * 10);
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    for (const count of buckets) expect(count).toBeGreaterThan(850);
  });
});
