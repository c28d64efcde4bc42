import { expect, it } from 'vitest';
import { mostInASecond } from './drain.js';

it('finds the second in which most have left', () => {
  expect(mostInASecond([])).toBe(0);
  expect(mostInASecond([3_000, 0, 999, 1_000, 1_999, 1_998])).toBe(3);
});
