import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LossBook } from './loss-book.js';

const run = (first: number, count: number, lost = 0, sender = 1) => ({ sender, first, count, lost });

describe('LossBook', () => {
  it('counts exactly what a sender dropped or what went missing, from the first message that came in', () => {
    const step = fc.record({ count: fc.nat({ max: 5 }), lost: fc.nat({ max: 5 }), arrives: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const book = new LossBook();
        let [next, told, received] = [0, 0, 0];
        let begun: number | undefined;
        // The last one arrives, so that nothing is missing behind it.
        for (const { count, lost, arrives } of [...steps, { count: 1, lost: 0, arrives: true }]) {
          const first = next + lost;
          next = first + count;
          if (!arrives) continue;
          begun ??= first - lost;
          told += book.note('r:1', run(first, count, lost));
          received += count;
        }
        expect(told + received).toBe(next - (begun ?? 0));
      }),
    );
  });

  it('tells apart groups and senders', () => {
    const book = new LossBook();
    for (const group of ['r:1', 'r:2']) for (const sender of [1, 2]) book.note(group, run(0, 1, 0, sender));
    expect(book.note('r:1', run(3, 1, 0, 1))).toBe(2);
    expect(book.note('r:1', run(1, 1, 0, 2))).toBe(0);
    expect(book.note('r:2', run(1, 1, 0, 1))).toBe(0);
  });

  it('passes over a loss that the sender was not sure of and this receiver did not suffer', () => {
    const book = new LossBook();
    book.note('r:1', run(0, 5));
    expect(book.note('r:1', run(5, 0, 5))).toBe(0);
    expect(book.note('r:1', run(8, 0, 8))).toBe(3);
    expect(book.note('r:1', run(8, 1))).toBe(0);
  });

  it('tells nothing when a sender counts anew', () => {
    const book = new LossBook();
    book.note('r:1', run(90, 10));
    expect(book.note('r:1', run(0, 1))).toBe(0);
    expect(book.note('r:1', run(3, 1))).toBe(2);
  });

  it('knows nothing of a group that was forgotten, and of none once cleared', () => {
    const book = new LossBook();
    book.note('r:1', run(0, 1));
    book.forget('r:1');
    expect(book.note('r:1', run(9, 1))).toBe(0);
    book.clear();
    expect(book.note('r:1', run(20, 1))).toBe(0);
  });

  it('remembers no more than 256 senders of a group', () => {
    const book = new LossBook();
    for (let sender = 0; sender <= 256; sender += 1) book.note('r:1', run(0, 1, 0, sender));
    expect(book.note('r:1', run(5, 1, 0, 1))).toBe(4);
    expect(book.note('r:1', run(5, 1, 0, 0))).toBe(0);
  });
});
