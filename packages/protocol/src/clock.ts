/**
 * The real clock, entry point `@im/protocol/clock`: the one place that touches global timers, so that everything
 * else takes a {@link Clock} and can be driven by a fake one.
 */
import type { Clock } from './ports.js';

declare const setTimeout: (run: () => void, delayMs: number) => unknown;
declare const clearTimeout: (handle: never) => void;
declare const performance: { now(): number };

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, run, options) {
    const handle = setTimeout(run, delayMs);
    // Node's handles can be told not to hold the process; browsers' are plain numbers.
    if (options?.background) (handle as { unref?(): void }).unref?.();
    return { cancel: () => clearTimeout(handle as never) };
  },
};
