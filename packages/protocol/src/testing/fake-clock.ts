/** A clock that stands still until a test moves it. */
import type { Clock, Timer } from '../ports.js';

interface PendingTimer {
  readonly dueAt: number;
  readonly run: () => void;
}

export class FakeClock implements Clock {
  #elapsed = 0;
  #wallOffset: number;
  /** In the order in which they were made; equal due times run in that order. */
  readonly #timers = new Set<PendingTimer>();

  /** @param now wall clock at the start, milliseconds since 1970 */
  constructor(now = 1_790_000_000_000) {
    this.#wallOffset = now;
  }

  now(): number {
    return this.#wallOffset + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(delayMs: number, run: () => void): Timer {
    const timer = { dueAt: this.#elapsed + Math.max(0, delayMs), run };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Timers that have neither run nor been cancelled: 0 when everything was cleaned up. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Moves both clocks forward and runs what falls due, in order, including what that starts. */
  advance(ms: number): void {
    const until = this.#elapsed + ms;
    for (;;) {
      let next: PendingTimer | undefined;
      for (const timer of this.#timers) {
        if (timer.dueAt <= until && (next === undefined || timer.dueAt < next.dueAt)) next = timer;
      }
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#elapsed = Math.max(this.#elapsed, next.dueAt);
      next.run();
    }
    this.#elapsed = until;
  }

  /** Sets the wall clock alone, as an operator or NTP would. @param now milliseconds since 1970 */
  jump(now: number): void {
    this.#wallOffset = now - this.#elapsed;
  }
}
