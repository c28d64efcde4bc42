/** A random source that gives the same numbers for the same seed. */
import type { Random } from '../ports.js';

/** Uniform in [0, 1): mulberry32 (Tommy Ettinger, public domain), 2^32 numbers before it repeats. For tests only. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
