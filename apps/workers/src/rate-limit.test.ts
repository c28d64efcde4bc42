import { FakeClock, RecordingMetrics } from '@im/protocol/testing';
import { expect, it } from 'vitest';
import { RateLimit } from './rate-limit.js';

function setUp(rate = { perSecond: 2, burst: 3 }) {
  const clock = new FakeClock();
  const limit = new RateLimit('chat', rate, clock, new RecordingMetrics());
  const take = (user: string): number => {
    try {
      limit.take({ user });
      return 0;
    } catch (error) {
      return (error as { details: { retryAfterMs: number } }).details.retryAfterMs;
    }
  };
  return { clock, limit, take };
}

it('lets a burst through, then refuses and says how long to wait', () => {
  const { clock, take } = setUp();
  expect([1, 2, 3, 4].map(() => take('ann'))).toEqual([0, 0, 0, 500]);
  clock.advance(499);
  expect(take('ann')).toBeGreaterThan(0);
  clock.advance(1);
  expect(take('ann')).toBe(0);
});

it('never saves up more than the burst', () => {
  const { clock, take } = setUp();
  clock.advance(3_600_000);
  expect([1, 2, 3, 4].map(() => take('ann')).filter((wait) => wait > 0)).toHaveLength(1);
});

it('counts each person alone, also those of the same id in different products', () => {
  const { limit, take } = setUp({ perSecond: 1, burst: 1 });
  expect(take('ann')).toBe(0);
  expect(take('bob')).toBe(0);
  expect(() => limit.take({ user: 'ann', product: 'p1' })).not.toThrow();
  expect(take('ann')).toBe(1_000);
});

it('remembers a bounded number of people, forgetting who was quiet longest', () => {
  const { take } = setUp({ perSecond: 1, burst: 1 });
  take('first');
  take('second');
  for (let index = 0; index < 99_999; index += 1) take(`user-${index}`);
  expect(take('second')).toBeGreaterThan(0);
  expect(take('first')).toBe(0);
});
