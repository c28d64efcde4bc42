import { describe, expect, it } from 'vitest';
import { type Applying, TurnQueue } from './turn-queue.js';

function setUp({ maxRunning = 1_000, maxWaiting = 1_000 } = {}) {
  const turns: (() => void)[] = [];
  let refused = 0;
  const queue = new TurnQueue({
    maxRunning,
    maxWaiting,
    nextTurn: (run) => turns.push(run),
    refused: {
      add: () => {
        refused++;
      },
    },
  });
  const begun: number[] = [];
  const finish = new Map<number, () => void>();
  /** A hello that goes on until it is finished. */
  const hello = (name: number): Applying => ({
    begin: () => {
      begun.push(name);
      return new Promise<void>((resolve) => finish.set(name, resolve));
    },
  });
  const nextTurn = (): void => {
    for (const run of turns.splice(0)) run();
  };
  return { queue, begun, finish, hello, nextTurn, turns, refused: () => refused };
}
const settled = (): Promise<void> => new Promise(setImmediate);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('TurnQueue', () => {
  it('begins so many in a turn, the others in the turns that follow, in the order in which they came', () => {
    const { queue, begun, hello, nextTurn, turns } = setUp();
    for (const name of upTo(100)) expect(queue.enter(hello(name))).toBe(true);
    expect([begun.length, queue.waiting]).toEqual([32, 68]);
    nextTurn();
    expect(begun).toEqual(upTo(64));
    nextTurn();
    nextTurn();
    expect(begun).toEqual(upTo(100));
    expect(queue.waiting).toBe(0);
    nextTurn();
    expect(turns, 'nothing is left to be done in a turn').toEqual([]);
  });

  it('lets nobody overtake those who wait', () => {
    const { queue, begun, hello, nextTurn } = setUp();
    for (const name of upTo(40)) queue.enter(hello(name));
    nextTurn();
    queue.enter(hello(40));
    expect(begun).toEqual(upTo(41));
  });

  it('has so many under way at once, and goes on when one of them is done', async () => {
    const { queue, begun, finish, hello, nextTurn } = setUp({ maxRunning: 2 });
    for (const name of upTo(4)) queue.enter(hello(name));
    nextTurn();
    expect([begun, queue.running]).toEqual([[0, 1], 2]);
    finish.get(1)?.();
    await settled();
    nextTurn();
    expect([begun, queue.running]).toEqual([[0, 1, 2], 2]);
    for (const name of [0, 2]) finish.get(name)?.();
    await settled();
    nextTurn();
    finish.get(3)?.();
    await settled();
    expect([begun, queue.running]).toEqual([[0, 1, 2, 3], 0]);
  });

  it('has those that are done at once give their places to the next', () => {
    const { queue, nextTurn, turns } = setUp({ maxRunning: 1 });
    const begun: number[] = [];
    const instant = (name: number): Applying => ({
      begin: () => {
        begun.push(name);
        return undefined;
      },
    });
    for (const name of upTo(40)) queue.enter(instant(name));
    expect([begun.length, queue.running]).toEqual([32, 0]);
    nextTurn();
    expect(begun).toEqual(upTo(40));
    nextTurn();
    expect(turns).toEqual([]);
  });

  it('refuses, and counts, whom there is no room for', () => {
    const { queue, begun, hello, nextTurn, refused } = setUp({ maxRunning: 1, maxWaiting: 2 });
    expect(upTo(5).map((name) => queue.enter(hello(name)))).toEqual([true, true, true, false, false]);
    nextTurn();
    expect([begun, refused()]).toEqual([[0], 2]);
  });

  it('gives the places of those who have gone to those who come, and begins none of the gone', () => {
    const { queue, begun, hello, nextTurn, refused } = setUp({ maxRunning: 64, maxWaiting: 10 });
    for (const name of upTo(32)) queue.enter(hello(name));
    const impatient = upTo(10).map((i) => hello(100 + i));
    for (const each of impatient) expect(queue.enter(each)).toBe(true);
    expect(queue.enter(hello(200))).toBe(false);
    for (const each of impatient.slice(1)) queue.leave(each);
    expect(queue.waiting).toBe(1);
    expect(queue.enter(hello(300))).toBe(true);
    nextTurn();
    expect(begun).toEqual([...upTo(32), 100, 300]);
    expect([queue.waiting, refused()]).toEqual([0, 1]);
  });
});
