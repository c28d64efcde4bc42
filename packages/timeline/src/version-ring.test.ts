import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VersionRing } from './version-ring.js';

describe('VersionRing', () => {
  it('behaves like a list whose first items went', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 40 })), { maxLength: 40 }), (steps) => {
        const ring = new VersionRing<number>();
        const all: number[] = [];
        let trimmed = 0;
        for (const [push, times] of steps) {
          for (let time = 0; time < times; time += 1) {
            if (push) {
              ring.push(all.length * 10);
              all.push(all.length * 10);
            } else {
              expect(ring.shift()).toBe(all[trimmed]);
              trimmed = Math.min(trimmed + 1, all.length);
            }
          }
          expect([ring.first, ring.next, ring.size]).toEqual([trimmed + 1, all.length + 1, all.length - trimmed]);
          for (let version = 0; version <= all.length + 1; version += 1) {
            expect(ring.get(version)).toBe(version > trimmed ? all[version - 1] : undefined);
          }
        }
      }),
    );
  });
});
