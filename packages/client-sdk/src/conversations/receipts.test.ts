import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createReceipts } from './receipts.js';

describe('receipts', () => {
  it('are the largest sums that were told, in whatever order, and never shrink', () => {
    const sums = fc.record({ of: fc.constant(9), delivered: fc.nat(9), read: fc.nat(9) }, { requiredKeys: ['of'] });
    fc.assert(
      fc.property(fc.array(sums, { minLength: 1 }), (told) => {
        const receipts = createReceipts();
        let before = { delivered: 0, read: 0 };
        for (const each of told) {
          receipts.take({ conversation: 'g:1', version: 3, ...each });
          const now = receipts.of('g:1', 3) as typeof before;
          expect(now.delivered).toBeGreaterThanOrEqual(Math.max(before.delivered, now.read));
          expect(now.read).toBeGreaterThanOrEqual(before.read);
          before = now;
        }
        const read = Math.max(...told.map((each) => each.read ?? 0));
        expect(before).toEqual({ of: 9, delivered: Math.max(read, ...told.map((each) => each.delivered ?? 0)), read });
      }),
    );
  });

  it('are of one message each, and kept of two thousand', () => {
    const receipts = createReceipts();
    for (let version = 1; version <= 2_001; version++) receipts.take({ conversation: 'g:1', version, of: 2, read: 1 });
    expect(receipts.of('g:1', 1)).toBeUndefined();
    expect(receipts.of('g:1', 2)).toEqual({ of: 2, delivered: 1, read: 1 });
    expect(receipts.of('g:2', 2)).toBeUndefined();
  });
});
