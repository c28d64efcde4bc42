import { expect, it } from 'vitest';
import { readingsAt, slices } from './rpc-memory.js';

it('reads memory at minute 1, in the middle and in the end, also of a short run', () => {
  expect(readingsAt(10)).toEqual([1, 5, 10]);
  expect(readingsAt(1)).toEqual([0.1, 0.5, 1]);
});

it('asks for no more than a minute at once', () => {
  expect(slices(300_000)).toEqual([60_000, 60_000, 60_000, 60_000, 60_000]);
  expect(slices(90_000)).toEqual([45_000, 45_000]);
  expect(slices(720)).toEqual([720]);
});
