import { describe, expect, it } from 'vitest';
import { FakeClock } from './fake-clock.js';

describe('FakeClock', () => {
  it('runs what falls due in order of time, each at its time, including what was started meanwhile', () => {
    const clock = new FakeClock(1_000);
    const seen: [string, number][] = [];
    const note = (name: string) => () => seen.push([name, clock.monotonic()]);
    clock.after(20, note('b'));
    clock.after(10, () => {
      note('a')();
      clock.after(5, note('a2'));
    });
    clock.after(31, note('later'));
    clock.advance(30);
    expect(seen).toEqual([
      ['a', 10],
      ['a2', 15],
      ['b', 20],
    ]);
    expect(clock.monotonic()).toBe(30);
    expect(clock.now()).toBe(1_030);
    expect(clock.pendingTimers).toBe(1);
  });

  it('never runs a cancelled timer', () => {
    const clock = new FakeClock();
    let runs = 0;
    clock.after(1, () => runs++).cancel();
    clock.advance(10);
    expect(runs).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it('moves the wall clock alone on a jump', () => {
    const clock = new FakeClock(1_000);
    clock.advance(5);
    clock.jump(50);
    expect([clock.now(), clock.monotonic()]).toEqual([50, 5]);
  });
});
