import { FakeClock } from '@im/protocol/testing';
import { expect, it, vi } from 'vitest';
import { paced } from './paced.js';

async function* numbers(count: number) {
  for (let number = 1; number <= count; number += 1) yield number;
}

it('reads no more than the most in its time, and all in the end', async () => {
  const clock = new FakeClock();
  const read: number[] = [];
  const reading = (async () => {
    for await (const number of paced(numbers(7), { most: 3, perMs: 100, clock })) read.push(number);
  })();
  await vi.waitFor(() => expect(clock.pendingTimers).toBe(1));
  expect(read).toEqual([1, 2, 3]);
  clock.advance(100);
  await vi.waitFor(() => expect(read).toEqual([1, 2, 3, 4, 5, 6]));
  await vi.waitFor(() => expect(clock.pendingTimers).toBe(1));
  clock.advance(100);
  await reading;
  expect(read).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

it('waits for nothing where items come slowly', async () => {
  const clock = new FakeClock();
  const read: number[] = [];
  for await (const number of paced(numbers(9), { most: 3, perMs: 100, clock })) {
    clock.advance(50);
    read.push(number);
  }
  expect(read).toHaveLength(9);
});
