import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fifo } from './fifo.js';

describe('Fifo', () => {
  it('behaves like an array that is pushed to and shifted from', () => {
    const step = fc.record({ push: fc.boolean(), times: fc.integer({ min: 1, max: 2_000 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const fifo = new Fifo<number>();
        const expected: (number | undefined)[] = [];
        const shifted: (number | undefined)[] = [];
        let pushed = 0;
        let taken = 0;
        for (const { push, times } of steps) {
          for (let time = 0; time < times; time += 1) {
            if (push) {
              fifo.push(pushed);
              pushed += 1;
            } else {
              shifted.push(fifo.shift());
              expected.push(taken < pushed ? taken : undefined);
              taken = Math.min(taken + 1, pushed);
            }
          }
          expect(fifo.length).toBe(pushed - taken);
        }
        expect(shifted).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });
});
