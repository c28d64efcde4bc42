import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdFilter } from './id-filter.js';

describe('IdFilter', () => {
  it('never denies an id that it holds, whatever is added and removed', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(9).map(String), fc.boolean()), { maxLength: 200 }), (steps) => {
        const filter = new IdFilter();
        const held: string[] = [];
        for (const [id, isAdded] of steps) {
          const at = held.indexOf(id);
          if (isAdded) {
            filter.add(id);
            held.push(id);
          } else if (at >= 0) {
            filter.remove(id);
            held.splice(at, 1);
          }
          for (const each of held) expect(filter.mayHold(each)).toBe(true);
        }
        for (const id of held) filter.remove(id);
        for (const [id] of steps) expect(filter.mayHold(id)).toBe(false);
      }),
      { numRuns: 30 },
    );
  });

  it('denies nearly all ids that it does not hold', () => {
    const filter = new IdFilter();
    for (let id = 0; id < 10_000; id += 1) filter.add(`held-${id}`);
    const mistaken = Array.from({ length: 10_000 }, (_, id) => `other-${id}`).filter((id) => filter.mayHold(id));
    expect(mistaken.length).toBeLessThan(100);
  });

  it('goes on to hold an id of which it has lost count', () => {
    const filter = new IdFilter();
    for (let times = 0; times < 256; times += 1) filter.add('m1');
    expect(filter.mayHold('m1')).toBe(true);
    for (let times = 0; times < 744; times += 1) filter.add('m1');
    for (let times = 0; times < 255; times += 1) filter.remove('m1');
    expect(filter.mayHold('m1')).toBe(true);
  });
});
