import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EffectOrder } from './effect-order.js';

describe('EffectOrder', () => {
  it('lets the latest call win, per group, and several effects of one call in their order [PR-68]', () => {
    const order = new EffectOrder({ earliestUnanswered: undefined });
    expect(order.accept('r:1', 5)).toBe(true);
    expect(order.accept('r:1', 5)).toBe(true);
    expect(order.accept('r:1', 4)).toBe(false);
    expect(order.accept('r:2', 4)).toBe(true);
    expect(order.accept('r:1', 6)).toBe(true);
  });

  it('holds a removal against every call made before it, and none after [PR-70]', () => {
    const order = new EffectOrder({ earliestUnanswered: undefined });
    order.removed('r:1', 7);
    expect(order.accept('r:1', 7)).toBe(false);
    expect(order.accept('r:1', 8)).toBe(true);
  });

  it('stays bounded however many groups come by, and rather rejects too much than too little', () => {
    const order = new EffectOrder({ earliestUnanswered: 1 });
    for (let sequence = 2; sequence <= 2_000; sequence++) expect(order.accept(`r:${sequence}`, sequence)).toBe(true);
    expect(order.accept('r:2', 1)).toBe(false);
    expect(order.accept('r:never-seen', 1)).toBe(false);
    expect(order.accept('r:2000', 2_001)).toBe(true);
  });

  it('keeps what an unanswered call could still be overtaken by, and nothing else, before it gives up', () => {
    const unanswered = { earliestUnanswered: 1 };
    const order = new EffectOrder(unanswered);
    for (let sequence = 2; sequence <= 512; sequence++) order.accept(`r:${sequence}`, sequence);
    unanswered.earliestUnanswered = 400;
    for (let sequence = 513; sequence <= 600; sequence++) order.accept(`r:${sequence}`, sequence);
    expect(order.accept('r:500', 450)).toBe(false);
    expect(order.accept('r:new', 450)).toBe(true);
  });

  it('never lets an effect of an earlier call take hold over one of a later call or a removal', () => {
    const step = fc.record({
      group: fc.constantFrom('a', 'b'),
      sequence: fc.integer({ min: 1, max: 20 }),
      removal: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const order = new EffectOrder({ earliestUnanswered: 1 });
        const taken: { group: string; sequence: number }[] = [];
        for (const { group, sequence, removal } of steps) {
          const later = taken.some((each) => each.group === group && each.sequence > sequence);
          if (removal) {
            order.removed(group, sequence);
            taken.push({ group, sequence: sequence + 0.5 });
          } else if (order.accept(group, sequence)) {
            expect(later).toBe(false);
            taken.push({ group, sequence });
          } else {
            expect(later).toBe(true);
          }
        }
      }),
    );
  });
});
