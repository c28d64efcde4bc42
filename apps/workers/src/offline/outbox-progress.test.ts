import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type KeptProgress, OutboxProgress } from './outbox-progress.js';

const EPOCH = 'e1';
const head = (version: number, first = 1, epoch = EPOCH) => ({ epoch, version, first });
/** As whoever goes on finds it. */
const again = (progress: OutboxProgress) =>
  new OutboxProgress(JSON.parse(JSON.stringify(progress.kept())) as KeptProgress);

describe('how far an outbox was told', () => {
  it('is what a simple model says, though it goes through a record after every step', () => {
    const step = fc.oneof(
      fc.record({ take: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ done: fc.nat(40) }),
      fc.record({ trim: fc.nat(6) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let progress = new OutboxProgress();
        progress.follow(head(0), 0);
        const open = new Set<number>();
        let upTo = 0;
        let first = 1;
        let lost = 0;
        let lostInModel = 0;
        for (const each of steps) {
          if ('take' in each) {
            progress.take(upTo + each.take);
            for (let count = 0; count < each.take; count++) open.add(++upTo);
          } else if ('done' in each) {
            progress.done(each.done);
            open.delete(each.done);
          } else {
            first += each.trim;
            for (let version = Math.max(1, first - each.trim); version < first; version++)
              if (open.delete(version) || version > upTo) lostInModel += 1;
            upTo = Math.max(upTo, first - 1);
            lost += progress.follow(head(Math.max(upTo, first), first), 0);
          }
          progress = again(progress);
          expect(progress.upTo).toBe(upTo);
          expect(progress.openCount).toBe(open.size);
          for (let version = 1; version <= upTo; version++) expect(progress.isOpen(version)).toBe(open.has(version));
          expect(progress.start).toBe(Math.min(upTo + 1, ...open) - 1);
        }
        expect(lost).toBe(lostInModel);
      }),
    );
  });

  it('goes on with the versions when the log began another epoch with what it held, and with its end where that was lost', () => {
    const progress = new OutboxProgress({ epoch: EPOCH, upTo: 10, open: [[8, 9]] });
    const next = { ...head(12, 1, 'e2'), continues: [{ epoch: EPOCH, version: 10 }] };
    expect(progress.isBehind(head(10, 1, 'e2'))).toBe(true);
    expect(progress.follow(next, 10)).toBe(0);
    expect([progress.upTo, progress.openCount]).toEqual([10, 2]);
    expect(progress.follow({ ...head(8, 1, 'e3'), continues: [{ epoch: 'e2', version: 8 }] }, 10)).toBe(0);
    expect([progress.upTo, progress.openCount, progress.start]).toEqual([8, 1, 7]);
  });

  it('does not take for told what a log that lost its end was given meanwhile', () => {
    const progress = new OutboxProgress({
      epoch: EPOCH,
      upTo: 10,
      open: [
        [4, 4],
        [9, 9],
      ],
    });
    const anew = { ...head(12, 1, 'e2'), continues: [{ epoch: EPOCH, version: 7 }] };
    expect(progress.follow(anew, 10)).toBe(0);
    expect([progress.upTo, progress.openCount, progress.start]).toEqual([7, 1, 3]);
  });

  it('takes everything for untold in a log that does not say what it has of the one that is known', () => {
    const progress = new OutboxProgress({ epoch: EPOCH, upTo: 10, open: [[9, 9]] });
    const anew = { ...head(12, 6, 'e3'), continues: [{ epoch: 'e2', version: 11 }] };
    expect(progress.follow(anew, 10)).toBe(0);
    expect([progress.upTo, progress.openCount, progress.start]).toEqual([5, 0, 5]);
  });

  it('does not count as lost what is being told while the log drops it', () => {
    const progress = new OutboxProgress({ epoch: EPOCH, upTo: 4, open: [[1, 4]] });
    expect(progress.follow(head(10, 7), 3)).toBe(3);
    expect([progress.upTo, progress.openCount]).toEqual([6, 0]);
  });

  it('fits into a record, whatever is open: what is done may then be told again, nothing is left out', () => {
    const progress = new OutboxProgress();
    progress.follow(head(0), 0);
    progress.take(20_000);
    for (let version = 1; version <= 20_000; version += 2) progress.done(version);
    const kept = again(progress);
    expect(JSON.stringify(progress.kept()).length).toBeLessThan(40_000);
    for (let version = 2; version <= 20_000; version += 2) expect(kept.isOpen(version)).toBe(true);
  });
});
