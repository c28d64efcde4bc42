import type { Clock } from '@im/protocol/ports';
import { FakeClock } from '@im/protocol/testing';
import { describe, expect, it } from 'vitest';
import { FrameLoop } from './frame-loop.js';

describe('FrameLoop', () => {
  it('runs the first frame after a quiet time at once, and the next ones at their interval', () => {
    const clock = new FakeClock();
    const frames: number[] = [];
    const loop = new FrameLoop(clock, 100, () => frames.push(clock.monotonic()));
    clock.advance(1_000);
    loop.request();
    clock.advance(30);
    loop.request();
    loop.request();
    clock.advance(500);
    loop.request();
    clock.advance(500);
    expect(frames).toEqual([1_000, 1_100, 1_530]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('does not let a frame that runs late delay the next', () => {
    let now = 0;
    const timers: { dueAt: number; run: () => void }[] = [];
    const clock: Clock = {
      now: () => now,
      monotonic: () => now,
      after: (delayMs, run) => {
        timers.push({ dueAt: now + delayMs, run });
        return { cancel: () => {} };
      },
    };
    const loop = new FrameLoop(clock, 100, () => {});
    loop.request();
    expect(timers[0]?.dueAt).toBe(0);
    now = 40;
    timers[0]?.run();
    loop.request();
    expect(timers[1]?.dueAt).toBe(100);
    now = 350;
    timers[1]?.run();
    loop.request();
    expect(timers[2]?.dueAt).toBe(350);
  });

  it('runs nothing after close', () => {
    const clock = new FakeClock();
    let frames = 0;
    const loop = new FrameLoop(clock, 100, () => {
      frames += 1;
    });
    loop.request();
    loop.close();
    clock.advance(1_000);
    expect(frames).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });
});
