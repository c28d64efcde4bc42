import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Latencies } from './latencies.js';

it('knows every quantile to one percent', () => {
  const durations = fc.array(fc.double({ min: 0.01, max: 100_000, noNaN: true }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(durations, fc.double({ min: 0.01, max: 1, noNaN: true }), (all, share) => {
      const latencies = new Latencies();
      for (const duration of all) latencies.add(duration);
      const sorted = [...all].sort((a, b) => a - b);
      const exact = sorted[Math.max(0, Math.ceil(all.length * share) - 1)] as number;
      const known = latencies.quantile(share) as number;
      expect(known).toBeGreaterThanOrEqual(exact * 0.999);
      expect(known).toBeLessThanOrEqual(exact * 1.011);
    }),
  );
});

it('knows none of no calls', () => {
  expect(new Latencies().quantile(0.5)).toBeUndefined();
});
