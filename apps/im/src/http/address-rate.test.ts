import { FakeClock } from '@im/protocol/testing';
import { expect, it } from 'vitest';
import { AddressRate } from './address-rate.js';

function setUp(rate = { perSecond: 2, burst: 3 }) {
  const clock = new FakeClock();
  const limit = new AddressRate(rate, clock);
  /** 0 when let in, else how long to wait. */
  const take = (address: string): number => {
    try {
      limit.take(address);
      return 0;
    } catch (error) {
      return (error as { details: { retryAfterMs: number } }).details.retryAfterMs;
    }
  };
  return { clock, take };
}

it('lets a burst in, then as many as the rate allows', () => {
  const { clock, take } = setUp();
  expect([1, 2, 3, 4].map(() => take('192.0.2.1'))).toEqual([0, 0, 0, 500]);
  clock.advance(500);
  expect([take('192.0.2.1'), take('192.0.2.1')]).toEqual([0, 500]);
  expect(take('192.0.2.2')).toBe(0);
});

it('is not lengthened by asking too often', () => {
  const { clock, take } = setUp();
  for (let count = 0; count < 100; count += 1) take('192.0.2.1');
  clock.advance(500);
  expect(take('192.0.2.1')).toBe(0);
});

it('remembers a bounded number of addresses, forgetting who was quiet longest', () => {
  const { take } = setUp({ perSecond: 0.001, burst: 1 });
  take('first');
  take('second');
  for (let index = 0; index < 9_999; index += 1) take(`address-${index}`);
  expect(take('second')).toBeGreaterThan(0);
  expect(take('first')).toBe(0);
});
