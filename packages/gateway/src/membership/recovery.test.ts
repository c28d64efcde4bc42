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

  it.each([
    ['that the log went on from', 15, { epoch: 'e', version: 15, recovered: true }],
    ['at the end of what the log went on from', 17, { epoch: 'e', version: 17, recovered: true }],
    [
      'beyond what the log went on from',
      18,
      { epoch: 'e', version: 17, recovered: false, missed: { epoch: 'd', after: 18 } },
    ],
    ['from before what is kept', 9, { epoch: 'e', version: 10, recovered: false, missed: { after: 9, upto: 10 } }],
  ])('takes a position of an epoch before %s for one in this log [PR-144]', (_case, version, beginning) => {
    const continues = [
      { epoch: 'd', version: 17 },
      { epoch: 'b', version: 12 },
    ];
    const went = { ...head, continues };
    expect(recover({ epoch: 'd', version }, went, 1_000, 0)).toEqual(beginning);
    expect(recover({ epoch: 'b', version: 11 }, went, 1_000, 0)).toMatchObject({ version: 11, recovered: true });
    expect(recover({ epoch: 'b', version: 13 }, went, 1_000, 0)).toMatchObject({ version: 12, recovered: false });
    expect(recover({ epoch: 'c', version }, went, 1_000, 0)).toMatchObject({ version: 10, recovered: false });
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
    const logs = fc.tuple(fc.nat(30), fc.nat(30)).chain(([first, more]) => {
      const log = { epoch: 'e', first: first + 1, version: first + more };
      const continues = fc.record({ epoch: fc.constant('d'), version: fc.nat(log.version) });
      return fc.option(continues, { nil: undefined }).map((one) => ({ ...log, ...(one && { continues: [one] }) }));
    });
    fc.assert(
      fc.property(
        logs,
        fc.record({ epoch: fc.constantFrom('e', 'd', 'x'), version: fc.nat(80) }),
        fc.nat(40),
        fc.nat(70),
        (log, given, maxReplay, after) => {
          const { version, recovered, missed } = recover(given, log, maxReplay, after);
          expect(version).toBeGreaterThanOrEqual(log.first - 1);
          expect(version).toBeGreaterThanOrEqual(Math.min(after, log.version));
          expect(version).toBeLessThanOrEqual(log.version);
          const kept =
            given.epoch === 'd' ? (log.continues?.[0]?.version ?? -1) : given.epoch === 'e' ? log.version : -1;
          if (recovered) {
            expect([version, missed]).toEqual([given.version, undefined]);
            expect(given.version).toBeLessThanOrEqual(kept);
          } else if (missed?.epoch === undefined) {
            expect(missed).toEqual({ after: given.version, upto: version });
            expect(version).toBeGreaterThan(given.version);
          } else expect(missed).toEqual({ epoch: given.epoch, after: given.version });
        },
      ),
    );
  });
});
