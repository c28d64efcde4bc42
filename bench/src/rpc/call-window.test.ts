import { expect, it } from 'vitest';
import { CallWindow } from './call-window.js';

it('gives the latencies of the window, and nothing of what was before', () => {
  const window = new CallWindow([process.pid]);
  window.answered(50_000);
  window.failed();
  window.start();
  for (let ms = 1; ms <= 100; ms += 1) window.answered(ms);
  window.failed();
  const { calls, failed, p50Ms, p99Ms, cpuSeconds } = window.end();
  expect({ calls, failed }).toEqual({ calls: 100, failed: 1 });
  expect(p50Ms).toBeCloseTo(50, 0);
  expect(p99Ms).toBeCloseTo(99, 0);
  expect(cpuSeconds).toHaveLength(1);
});

it('counts latencies beyond what it tells apart as the longest', () => {
  const window = new CallWindow([]);
  window.answered(600_000);
  window.answered(0);
  expect(window.end()).toMatchObject({ calls: 2, p99Ms: expect.closeTo(60_000, -2) });
});

it('has no latency of no calls', () => {
  expect(new CallWindow([]).end()).toMatchObject({ calls: 0, p50Ms: Number.NaN, p99Ms: Number.NaN });
});
