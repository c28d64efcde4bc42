import { expect, it } from 'vitest';
import { readingsAt } from './rpc-memory.js';

it('reads memory at minute 1, in the middle and in the end, also of a short run', () => {
  expect(readingsAt(10)).toEqual([1, 5, 10]);
  expect(readingsAt(1)).toEqual([0.1, 0.5, 1]);
});
