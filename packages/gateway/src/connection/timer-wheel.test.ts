import { FakeClock } from '@im/protocol/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Deadline, TimerWheel } from './timer-wheel.js';

const TICK = 100;

class Noted extends Deadline {
  readonly reachedAt: number[] = [];
  constructor(
    readonly clock: FakeClock,
    readonly then: () => void = () => {},
  ) {
    super();
  }
  reached(): void {
    this.reachedAt.push(this.clock.monotonic());
    this.then();
  }
}

function setUp() {
  const clock = new FakeClock();
  return { clock, wheel: new TimerWheel(clock, TICK) };
}

describe('TimerWheel', () => {
  it('reaches deadlines within a tick, never early, near ones and ones many turns away', () => {
    const { clock, wheel } = setUp();
    const delays = [0, 1, 99, 100, 101, 5_000, 51_199, 51_200, 51_201, 200_000];
    const deadlines = delays.map((delay) => {
      const deadline = new Noted(clock);
      wheel.set(deadline, delay);
      return { delay, deadline };
    });
    clock.advance(300_000);
    for (const { delay, deadline } of deadlines) {
      expect(deadline.reachedAt).toHaveLength(1);
      expect(deadline.reachedAt[0]).toBeGreaterThanOrEqual(delay);
      expect(deadline.reachedAt[0]).toBeLessThanOrEqual(delay + 2 * TICK);
    }
    expect([wheel.size, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('keeps one timer while anything waits, and none otherwise', () => {
    const { clock, wheel } = setUp();
    expect(clock.pendingTimers).toBe(0);
    const deadlines = Array.from({ length: 1_000 }, () => new Noted(clock));
    for (const deadline of deadlines) wheel.set(deadline, 1_000);
    expect([wheel.size, clock.pendingTimers]).toEqual([1_000, 1]);
    for (const deadline of deadlines) wheel.cancel(deadline);
    expect([wheel.size, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('lets deadlines be set, moved and cancelled while others are reached', () => {
    const { clock, wheel } = setUp();
    const victim = new Noted(clock);
    const moved = new Noted(clock);
    const again: Noted = new Noted(clock, () => {
      wheel.cancel(victim);
      wheel.set(moved, 1_000);
      if (again.reachedAt.length < 3) wheel.set(again, 0);
    });
    // The one set last is reached first.
    wheel.set(victim, 150);
    wheel.set(moved, 150);
    wheel.set(again, 150);
    clock.advance(400);
    expect(again.reachedAt).toEqual([200, 300, 400]);
    expect([victim.reachedAt, moved.reachedAt]).toEqual([[], []]);
    clock.advance(2_000);
    expect(moved.reachedAt).toEqual([1_400]);
  });

  it('reaches everything that is due after a long stall, once', () => {
    const { clock, wheel } = setUp();
    const stalling = new Noted(clock);
    // A process that was stopped: time goes on, nothing runs, then one timer does.
    let offset = 0;
    const stalled = {
      now: () => clock.now(),
      monotonic: () => clock.monotonic() + offset,
      after: clock.after.bind(clock),
    };
    const late = new TimerWheel(stalled, TICK);
    const deadlines = [10, 5_000, 60_000, 100_000].map((delay) => {
      const deadline = new Noted(clock);
      late.set(deadline, delay);
      return deadline;
    });
    offset = 99_000;
    clock.advance(TICK);
    expect(deadlines.map(({ reachedAt }) => reachedAt.length)).toEqual([1, 1, 1, 0]);
    clock.advance(1_000);
    expect(deadlines.map(({ reachedAt }) => reachedAt.length)).toEqual([1, 1, 1, 1]);
    wheel.cancel(stalling);
  });

  it('does what a list of deadlines would do, for any sequence of operations', () => {
    const operation = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), which: fc.nat(5), delay: fc.nat(120_000) }),
      fc.record({ kind: fc.constant('cancel' as const), which: fc.nat(5) }),
      fc.record({ kind: fc.constant('advance' as const), ms: fc.nat(70_000) }),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const { clock, wheel } = setUp();
        const deadlines = Array.from({ length: 6 }, () => new Noted(clock));
        const due: (number | undefined)[] = Array.from({ length: 6 }, () => undefined);
        const reached = deadlines.map(() => 0);
        for (const each of operations) {
          if (each.kind === 'advance') clock.advance(each.ms);
          else if (each.kind === 'cancel') {
            wheel.cancel(deadlines[each.which] as Noted);
            due[each.which] = undefined;
          } else {
            wheel.set(deadlines[each.which] as Noted, each.delay);
            due[each.which] = clock.monotonic() + each.delay;
          }
          for (const [i, deadline] of deadlines.entries()) {
            const at = due[i];
            const times = deadline.reachedAt.length;
            if (times > (reached[i] as number)) {
              expect(times).toBe((reached[i] as number) + 1);
              expect(deadline.reachedAt.at(-1)).toBeGreaterThanOrEqual(at as number);
              expect(deadline.reachedAt.at(-1)).toBeLessThanOrEqual((at as number) + 2 * TICK);
              reached[i] = times;
              due[i] = undefined;
            } else if (at !== undefined) {
              expect(clock.monotonic()).toBeLessThanOrEqual(at + 2 * TICK);
            }
          }
          expect(wheel.size).toBe(due.filter((at) => at !== undefined).length);
        }
      }),
    );
  });
});
