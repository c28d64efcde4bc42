/** A clock for this package's tests: time passes only when told to. */
import type { Clock } from './ports.js';

export interface FakeClock extends Clock {
  /** Runs everything that falls due, in order. */
  advance(byMs: number): void;
  /** Delays of the timers that wait, soonest first. */
  waiting(): number[];
}

export function createFakeClock(): FakeClock {
  let time = 0;
  const timers = new Set<{ readonly at: number; readonly run: () => void }>();
  const next = () => [...timers].sort((a, b) => a.at - b.at)[0];
  return {
    now: () => time,
    monotonic: () => time,
    after(delayMs, run) {
      const timer = { at: time + delayMs, run };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
    advance(byMs) {
      const until = time + byMs;
      for (let due = next(); due !== undefined && due.at <= until; due = next()) {
        timers.delete(due);
        time = due.at;
        due.run();
      }
      time = until;
    },
    waiting: () => [...timers].map(({ at }) => at - time).sort((a, b) => a - b),
  };
}
