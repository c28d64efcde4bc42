import type { JoinedGroup, Missed, Position, Push, Synced } from '@im/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createGroupLog } from './group-log.js';

const push = (version: number): Push<unknown> => ({
  type: 'push',
  group: 'r:1',
  event: 'gift',
  lane: 'priority',
  version,
});

const joined = (version: number, more: Partial<JoinedGroup> = {}): JoinedGroup => ({
  group: 'r:1',
  epoch: 'e1',
  version,
  ...more,
});

const synced = (version: number, epoch = 'e1'): Synced => ({
  type: 'synced',
  id: 1,
  group: 'r:1',
  epoch,
  version,
  more: false,
});

function create() {
  const seen: number[] = [];
  const holes: Position[] = [];
  const missed: Missed[] = [];
  const log = createGroupLog({
    onPush: ({ version }) => seen.push(version as number),
    onHole: (position) => holes.push(position),
    onMissed: (range) => missed.push(range),
  });
  const take = (...versions: number[]) => versions.forEach((version) => void log.take(push(version)));
  return { log, seen, holes, missed, take };
}

describe('the priority lane of a group', () => {
  it('takes nothing before it has begun', () => {
    const { log, seen, holes, take } = create();
    take(1, 2);
    expect([seen, holes, log.position]).toEqual([[], [], undefined]);
  });

  it('[PR-82] gives what follows the position it began with, each version once', () => {
    const { log, seen, holes, take } = create();
    log.begin(joined(17));
    take(18, 17, 18, 19, 3, 19, 20);
    expect(seen).toEqual([18, 19, 20]);
    expect(holes).toEqual([]);
    expect(log.position).toEqual({ epoch: 'e1', version: 20 });
  });

  it('[PR-100] asks once for what a hole hides, and gives all in order when it is filled', () => {
    const { log, seen, holes, take } = create();
    log.begin(joined(0));
    take(1, 4, 5, 7);
    expect(seen).toEqual([1]);
    expect(holes).toEqual([{ epoch: 'e1', version: 1 }]);
    take(2, 3);
    expect(seen).toEqual([1, 2, 3, 4, 5]);
    take(4, 5, 6, 7);
    log.onSynced(synced(7));
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(holes).toHaveLength(1);
    expect(log.asked).toBeUndefined();
  });

  it('asks again when the answer did not reach what is known to be there', () => {
    const { log, holes, take } = create();
    log.begin(joined(0));
    take(9, 1, 2);
    log.onSynced(synced(2));
    expect(holes).toEqual([
      { epoch: 'e1', version: 0 },
      { epoch: 'e1', version: 2 },
    ]);
  });

  it('[PR-96] tells what the log does not hold any longer, and goes on behind it', () => {
    const { log, seen, missed, holes, take } = create();
    log.begin(joined(0));
    take(1, 5, 6, 9);
    log.onSynced(synced(9));
    expect(seen).toEqual([1, 5, 6]);
    expect(missed).toEqual([{ after: 1, upto: 4 }]);
    expect(holes).toHaveLength(2);
    log.onSynced(synced(9));
    expect(seen).toEqual([1, 5, 6, 9]);
    expect(missed).toEqual([
      { after: 1, upto: 4 },
      { after: 6, upto: 8 },
    ]);
  });

  it('keeps a bounded number of messages beyond a hole, and asks for the others again', () => {
    const { log, seen, holes, take } = create();
    log.begin(joined(0));
    for (let version = 2; version <= 1_000; version++) take(version);
    take(1);
    expect(seen).toHaveLength(257);
    log.onSynced(synced(1_000));
    expect(holes.at(-1)).toEqual({ epoch: 'e1', version: 257 });
  });

  it('begins anew with another epoch, and forgets what lay beyond a hole', () => {
    const { log, seen, holes, take } = create();
    log.begin(joined(0));
    take(1, 3);
    log.begin(joined(0, { epoch: 'e2', recovered: false }));
    log.onSynced(synced(3));
    take(1, 2);
    expect(seen).toEqual([1, 1, 2]);
    expect(holes).toHaveLength(1);
    expect(log.position).toEqual({ epoch: 'e2', version: 2 });
  });

  it('[PR-95] sees nothing twice that came since it told its position', () => {
    const { log, seen, take } = create();
    log.begin(joined(0));
    take(1, 2, 3);
    log.begin(joined(1, { recovered: true }));
    take(2, 3, 4);
    expect(seen).toEqual([1, 2, 3, 4]);
  });

  it('[PR-97] goes back with a log that is behind it', () => {
    const { log, seen, take } = create();
    log.begin(joined(0));
    take(1, 2, 3);
    log.begin(joined(1, { recovered: false, missed: { epoch: 'e1', after: 3 } }));
    take(2);
    expect(seen).toEqual([1, 2, 3, 2]);
  });

  it('gives each version once and in order, or tells that it is lost, whatever comes in whatever order', () => {
    const arrivals = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 120 });
    const kept = fc.integer({ min: 0, max: 40 });
    fc.assert(
      fc.property(arrivals, kept, (versions, from) => {
        const told: (number | Missed)[] = [];
        const log = createGroupLog({
          onPush: ({ version }) => told.push(version as number),
          onHole: () => {},
          onMissed: (range) => told.push(range),
        });
        // A gateway whose log has only what is above `from`, and answers after every fifth arrival.
        const answer = () => {
          const { asked } = log;
          if (!asked) return;
          const head = Math.max(...versions);
          for (let version = Math.max(asked.version, from) + 1; version <= head; version++) log.take(push(version));
          log.onSynced(synced(head));
        };
        log.begin(joined(0));
        versions.forEach((version, index) => {
          log.take(push(version));
          if (index % 5 === 4) answer();
        });
        for (let turn = 0; log.asked && turn < 100; turn++) answer();
        expect(log.asked).toBeUndefined();
        let at = 0;
        for (const each of told) {
          if (typeof each === 'number') {
            expect(each).toBe(at + 1);
            at = each;
          } else {
            expect(each.after).toBe(at);
            expect(each.upto).toBeGreaterThan(at);
            expect(each.upto).toBeLessThanOrEqual(from);
            at = each.upto as number;
          }
        }
        expect(at).toBe(Math.max(0, ...versions));
      }),
    );
  });
});
