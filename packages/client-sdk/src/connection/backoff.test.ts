import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs } from './backoff.js';

const between = { minMs: 500, maxMs: 30_000 };

describe('backoffMs', () => {
  it('[PR-122] is min + random(0, min · 2^n), at most max', () => {
    expect([0, 1, 2, 5].map((n) => backoffMs(between, n, () => 0.5))).toEqual([750, 1_000, 1_500, 8_500]);
    expect(backoffMs(between, 6, () => 0.99)).toBe(30_000);
  });

  it('[PR-122] stays between min and max, however many failures there were', () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (n, random) => {
        const delay = backoffMs(between, n, () => random);
        expect(delay).toBeGreaterThanOrEqual(500);
        expect(delay).toBeLessThanOrEqual(30_000);
      }),
    );
  });
});
