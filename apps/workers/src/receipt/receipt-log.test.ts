import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_DEVICES, MAX_RECEIPTS, ReceiptLog } from './receipt-log.js';

const newLog = () => new ReceiptLog({ epoch: '', top: 0 }, [], []);
const ofTwo = { of: 2, by: 'ann', delivered: 0, read: 0 };

const users = ['ann', 'bob', 'cat'];
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('deliver' as const),
      user: fc.constantFrom(...users),
      device: fc.constantFrom('d1', 'd2'),
      epoch: fc.constantFrom('e', 'e', 'e', 'foreign'),
      version: fc.integer({ min: 0, max: 12 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('read' as const),
      user: fc.constantFrom(...users),
      version: fc.integer({ min: 0, max: 12 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('ask' as const), version: fc.integer({ min: 1, max: 10 }) }),
  },
);

describe('receipts of a log', () => {
  it('have the right sums in whatever order positions come, however often, and never shrink', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const log = newLog();
        log.ask('e', 11, ofTwo);
        const delivered = new Map<string, number>();
        const read = new Map<string, number>();
        const asked = new Set([11]);
        const count = (positions: ReadonlyMap<string, number>, version: number): number =>
          [...positions].filter(([user, at]) => user !== 'ann' && at >= version).length;
        let before = new Map<number, readonly [number, number]>();
        for (const each of steps) {
          if (each.do === 'deliver') {
            log.delivered(each.user, each.device, each.epoch, each.version);
            if (each.epoch === 'e') delivered.set(each.user, Math.max(delivered.get(each.user) ?? 0, each.version));
          } else if (each.do === 'read') {
            log.read(each.user, each.version);
            read.set(each.user, Math.max(read.get(each.user) ?? 0, each.version));
          } else {
            log.ask('e', each.version, ofTwo);
            asked.add(each.version);
          }
          const sums = new Map<number, readonly [number, number]>();
          for (const version of asked) {
            const receipt = log.receipt(version);
            expect(receipt).toMatchObject({ delivered: count(delivered, version), read: count(read, version) });
            sums.set(version, [receipt?.delivered ?? -1, receipt?.read ?? -1]);
          }
          for (const [version, [deliveredBefore, readBefore]] of before) {
            expect(sums.get(version)?.[0]).toBeGreaterThanOrEqual(deliveredBefore);
            expect(sums.get(version)?.[1]).toBeGreaterThanOrEqual(readBefore);
          }
          before = sums;
        }
      }),
      { numRuns: 500 },
    );
  });

  it('count each once in the epoch of which they are, whatever is told of others, and before it began as well', () => {
    const told = fc.record({
      user: fc.constantFrom(...users),
      epoch: fc.constantFrom('e', 'e2', 'e3'),
      version: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(fc.array(told, { maxLength: 12 }), fc.array(told, { maxLength: 12 }), (before, after) => {
        const log = newLog();
        // Two epochs are kept, not three.
        const early = before.filter(({ epoch }) => epoch !== 'e3');
        for (const { user, epoch, version } of early) log.delivered(user, 'd1', epoch, version);
        log.ask('e2', 2, ofTwo);
        for (const { user, epoch, version } of after) log.delivered(user, 'd1', epoch, version);
        const having = [...early, ...after].filter(({ epoch, version }) => epoch === 'e2' && version >= 2);
        const delivered = new Set(having.map(({ user }) => user).filter((user) => user !== 'ann')).size;
        expect(log.receipt(2)).toMatchObject({ delivered });
      }),
      { numRuns: 500 },
    );
    const log = newLog();
    // Of three people: nothing but the sum's bound would hide who is counted twice.
    log.delivered('bob', 'd1', 'e2', 3);
    log.delivered('bob', 'd1', 'e', 1);
    log.ask('e2', 2, { ...ofTwo, of: 3 });
    for (const epoch of ['e3', 'e', 'e2']) log.delivered('bob', 'd2', epoch, 3);
    expect(log.receipt(2)).toMatchObject({ delivered: 1 });
  });

  it('count who has it before it was asked', () => {
    const log = newLog();
    log.delivered('bob', 'd1', 'e', 3);
    log.delivered('cat', 'd1', 'older', 9);
    log.ask('e', 3, ofTwo);
    expect(log.receipt(3)).toMatchObject({ of: 2, delivered: 1, read: 0 });
  });

  it('are not for those who read the log from later on, nor more than there are people', () => {
    const log = newLog();
    log.ask('e', 1, { of: 1, by: 'ann', delivered: 0, read: 0 });
    log.enter('cat', 1);
    log.delivered('cat', 'd1', 'e', 2);
    expect(log.receipt(1)).toMatchObject({ delivered: 0 });
    log.delivered('bob', 'd1', 'e', 2);
    log.delivered('dan', 'd1', 'e', 2);
    expect(log.receipt(1)).toMatchObject({ delivered: 1 });
  });

  it('count what they are to count alone', () => {
    const log = newLog();
    log.ask('e', 1, { of: 1, by: 'ann', read: 0 });
    log.delivered('bob', 'd1', 'e', 1);
    expect(log.receipt(1)).toEqual({ of: 1, by: 'ann', read: 0 });
  });

  it('are forgotten, the oldest first, and with their epoch', () => {
    const log = newLog();
    for (let version = 1; version <= MAX_RECEIPTS + 1; version += 1) log.ask('e', version, ofTwo);
    expect([log.receipt(1), log.receipt(2)]).toEqual([undefined, ofTwo]);
    log.delivered('bob', 'd1', 'e', 5);
    log.ask('next', 5, ofTwo);
    expect([log.receipt(2), log.receipt(5), log.state.epoch]).toEqual([undefined, ofTwo, 'next']);
    expect(log.changedReceipts.has(2)).toBe(true);
  });

  it('tell a bounded number of devices apart, and lose nothing by it', () => {
    const log = newLog();
    log.ask('e', 1, ofTwo);
    for (let index = 0; index <= MAX_DEVICES; index += 1) log.delivered('bob', `d${index}`, 'e', index + 1);
    const reader = log.reader('bob');
    expect(Object.keys(reader?.devices ?? {})).toHaveLength(MAX_DEVICES);
    expect(reader?.devices).not.toHaveProperty('d0');
    log.delivered('bob', 'd0', 'e', 1);
    expect(log.receipt(1)).toMatchObject({ delivered: 1 });
  });
});
