import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recover } from './recovery.js';

describe('recover', () => {
  const head = { epoch: 'e', version: 20, first: 11 };
  it.each([
    ['level with the log', { epoch: 'e', version: 20 }, { epoch: 'e', version: 20, recovered: true }],
    ['at the edge of what is kept', { epoch: 'e', version: 10 }, { epoch: 'e', version: 10, recovered: true }],
    [
      'behind what is kept',
      { epoch: 'e', version: 9 },
      { epoch: 'e', version: 10, recovered: false, missed: { after: 9, upto: 10 } },
    ],
    [
      'ahead of the log',
      { epoch: 'e', version: 21 },
      { epoch: 'e', version: 20, recovered: false, missed: { epoch: 'e', after: 21 } },
    ],
    [
      'of another epoch',
      { epoch: 'x', version: 15 },
      { epoch: 'e', version: 10, recovered: false, missed: { epoch: 'x', after: 15 } },
    ],
  ])('says where it goes on from a position %s [PR-95] [PR-96] [PR-97]', (_case, given, beginning) => {
    expect(recover(given, head, 1_000, 0)).toEqual(beginning);
  });

  it('begins as late as the replay is bounded', () => {
    expect(recover({ epoch: 'e', version: 12 }, head, 5, 0)).toMatchObject({
      version: 15,
      missed: { after: 12, upto: 15 },
    });
    expect(recover({ epoch: 'x', version: 12 }, head, 5, 0)).toMatchObject({
      version: 15,
      missed: { epoch: 'x', after: 12 },
    });
  });

  it('accounts for every version: seen, told as missed, or still to come, and never promises what is not kept', () => {
    const logs = fc
      .tuple(fc.nat(30), fc.nat(30))
      .map(([first, more]) => ({ epoch: 'e', first: first + 1, version: first + more }));
    fc.assert(
      fc.property(
        logs,
        fc.record({ epoch: fc.constantFrom('e', 'x'), version: fc.nat(80) }),
        fc.nat(40),
        fc.nat(70),
        (log, given, maxReplay, after) => {
          const { version, recovered, missed } = recover(given, log, maxReplay, after);
          expect(version).toBeGreaterThanOrEqual(log.first - 1);
          expect(version).toBeGreaterThanOrEqual(Math.min(after, log.version));
          expect(version).toBeLessThanOrEqual(log.version);
          if (recovered) expect([given.epoch, version, missed]).toEqual(['e', given.version, undefined]);
          else if (missed?.epoch === undefined) {
            expect(missed).toEqual({ after: given.version, upto: version });
            expect(version).toBeGreaterThan(given.version);
          } else expect(missed).toEqual({ epoch: given.epoch, after: given.version });
        },
      ),
    );
  });
});
