import { FakeClock, seededRandom } from '@im/protocol/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Drain, type DrainOptions, drawSlots, type Leaver, type NextAddress, PATIENCE_MS } from './drain.js';

/** Remembers what it was told, and when. */
class FakeLeaver implements Leaver {
  readonly asked: { readonly at: number; readonly leavesAt: number; readonly address: string | undefined }[] = [];
  finishedAt: number | undefined;
  stays = false;

  constructor(readonly clock: FakeClock) {}

  askToMove(afterMs: number, nextAddress: NextAddress | undefined): void {
    const at = this.clock.monotonic();
    this.asked.push({ at, leavesAt: at + afterMs, address: nextAddress?.() });
  }

  stay(): void {
    this.stays = true;
  }

  finish(): void {
    this.finishedAt ??= this.clock.monotonic();
  }
}

function begin(count: number, windowMs: number, options: Partial<DrainOptions> = {}) {
  const clock = new FakeClock();
  const begun = clock.monotonic();
  const leavers = Array.from({ length: count }, () => new FakeLeaver(clock));
  const drain = new Drain(leavers, { windowMs, random: seededRandom(7), ...options }, clock);
  return { clock, begun, leavers, drain };
}

/** Most of these moments that lie within any one second. */
function mostInASecond(moments: readonly number[]): number {
  const sorted = [...moments].sort((one, other) => one - other);
  let from = 0;
  let most = 0;
  for (const [index, moment] of sorted.entries()) {
    while (moment - (sorted[from] as number) >= 1_000) from++;
    most = Math.max(most, index - from + 1);
  }
  return most;
}

describe('a drain', () => {
  it('has at most 12 % of 10,000 clients leave in any one second of ten, and asks each once [PR-132]', () => {
    const { clock, begun, leavers } = begin(10_000, 10_000);
    clock.advance(10_000 + PATIENCE_MS + 100);
    expect(leavers.every(({ asked }) => asked.length === 1)).toBe(true);
    const leaving = leavers.map(({ asked }) => asked[0]?.leavesAt as number);
    expect(mostInASecond(leaving)).toBeLessThanOrEqual(1_200);
    expect(Math.min(...leaving) - begun).toBeLessThan(100);
    expect(Math.max(...leaving) - begun).toBeGreaterThan(9_900);
    expect(Math.max(...leaving) - begun).toBeLessThanOrEqual(10_000);
  });

  it('asks no more at a time than can be asked in between, all within half of the window, and nobody late', () => {
    const { clock, begun, leavers } = begin(10_000, 10_000);
    let asked = 0;
    for (let ms = 0; ms < 5_100; ms += 20) {
      clock.advance(20);
      const now = leavers.filter((one) => one.asked.length > 0).length;
      expect(now - asked).toBeLessThanOrEqual(80);
      asked = now;
    }
    expect(asked).toBe(10_000);
    for (const one of leavers) {
      const [{ at, leavesAt } = { at: 0, leavesAt: 0 }] = one.asked;
      expect(leavesAt).toBeGreaterThanOrEqual(at);
      expect(at - begun).toBeLessThanOrEqual(5_020);
    }
  });

  it('finishes who is still there three seconds after the time that was given, and nobody before [PR-133]', () => {
    const { clock, leavers } = begin(200, 4_000);
    clock.advance(4_000 + PATIENCE_MS + 100);
    for (const { asked, finishedAt } of leavers) {
      const stayed = (finishedAt as number) - (asked[0]?.leavesAt as number);
      expect(stayed).toBeGreaterThanOrEqual(PATIENCE_MS - 1);
      expect(stayed).toBeLessThanOrEqual(PATIENCE_MS + 41);
    }
    expect(clock.pendingTimers).toBe(0);
  });

  it('gives each the address that is next then', () => {
    let count = 0;
    const { clock, leavers } = begin(4, 400, {
      nextAddress: () => (count++ % 2 === 0 ? `ws://g${count}/` : undefined),
    });
    clock.advance(400);
    expect(leavers.map(({ asked }) => asked[0]?.address)).toEqual(['ws://g1/', undefined, 'ws://g3/', undefined]);
  });

  it('asks nobody else and finishes nobody once it has ended', () => {
    const { clock, leavers, drain } = begin(100, 1_000);
    clock.advance(240);
    drain.end();
    const asked = leavers.filter((one) => one.asked.length > 0).length;
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThan(100);
    clock.advance(10_000);
    expect(leavers.filter((one) => one.asked.length > 0)).toHaveLength(asked);
    expect(leavers.filter((one) => one.stays)).toHaveLength(asked);
    expect(leavers.every(({ finishedAt }) => finishedAt === undefined)).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  it('asks all at once where there is no window, and has nothing to do without anybody', () => {
    const { leavers } = begin(50, 0);
    for (const { asked } of leavers) expect(asked).toMatchObject([{ address: undefined }]);
    expect(begin(0, 10_000).clock.pendingTimers).toBe(0);
  });

  it('draws times in order that leave no part of the window with many more than its share', () => {
    const counts = fc.integer({ min: 1, max: 3_000 });
    fc.assert(
      fc.property(counts, fc.integer({ min: 1, max: 600_000 }), fc.integer(), (count, windowMs, seed) => {
        const slots = [...drawSlots(count, windowMs, seededRandom(seed))];
        expect(slots).toEqual([...slots].sort((one, other) => one - other));
        expect(slots[0]).toBeGreaterThanOrEqual(0);
        expect(slots[count - 1]).toBeLessThan(windowMs);
        for (let part = 0; part < 10; part++) {
          const [from, to] = [(part * windowMs) / 10, ((part + 1) * windowMs) / 10];
          expect(slots.filter((slot) => slot >= from && slot < to).length).toBeLessThanOrEqual(count / 10 + 2);
        }
      }),
    );
  });
});
