import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from './clock.js';

describe('systemClock', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('tells the wall clock in milliseconds since 1970, and a monotonic one that goes on when that jumps', () => {
    vi.setSystemTime(5_000);
    const before = systemClock.monotonic();
    expect(systemClock.now()).toBe(5_000);
    vi.advanceTimersByTime(10);
    vi.setSystemTime(1_000);
    expect(systemClock.now()).toBe(1_000);
    expect(systemClock.monotonic() - before).toBe(10);
  });

  it('runs once after the delay, or not at all when cancelled', () => {
    const run = vi.fn();
    systemClock.after(10, run);
    systemClock.after(10, run, { background: true });
    systemClock.after(10, run).cancel();
    vi.advanceTimersByTime(9);
    expect(run).not.toHaveBeenCalled();
    vi.advanceTimersByTime(100);
    expect(run).toHaveBeenCalledTimes(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('keeps a process alive for what is awaited, not for what runs in the background', () => {
    vi.useRealTimers();
    const active = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = active();
    const background = systemClock.after(60_000, () => {}, { background: true });
    expect(active()).toBe(before);
    const awaited = systemClock.after(60_000, () => {});
    expect(active()).toBe(before + 1);
    background.cancel();
    awaited.cancel();
    expect(active()).toBe(before);
  });
});
