/**
 * Fan-out and backlogs with viewers of all speeds, seed by seed: `npm run simulate -- --seeds 100000`, or `-- --seed 7` for one.
 */
import { describe, expect, it } from 'vitest';
import { planOf } from './plan.js';
import { shrink } from './shrink.js';
import { simulate } from './simulate.js';

const SEEDS = Number(process.env.IM_SIMULATE_SEEDS ?? 2_000);
const FIRST = Number(process.env.IM_SIMULATE_FIRST ?? 1);

describe('the simulation', () => {
  it(`balances all books, whatever happens [PR-82] [PR-83] [PR-84] [PR-85] [PR-86] [PR-87] [PR-115] [PR-116] [PR-117]`, {
    timeout: 0,
  }, () => {
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) simulate(seed);
  });

  it('does the same for the same seed', () => {
    expect(planOf(7)).toEqual(planOf(7));
    expect(planOf(7)).not.toEqual(planOf(8));
  });

  it('leaves out of a failing run what it does not take to fail', () => {
    const steps = Array.from({ length: 100 }, (_, i) => i);
    expect(shrink(steps, (some) => some.includes(17) && some.includes(80))).toEqual([17, 80]);
    expect(shrink(steps, () => true)).toEqual([]);
  });
});
