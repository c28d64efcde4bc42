import { describe, expect, it } from 'vitest';
import { ConcurrencyLimit } from './concurrency-limit.js';

describe('ConcurrencyLimit', () => {
  it('runs a bounded number, lets a bounded number wait in order, and refuses the rest', async () => {
    const limit = new ConcurrencyLimit(2, 1);
    const started: number[] = [];
    const finish: (() => void)[] = [];
    const task = (i: number) =>
      limit.run(() => {
        started.push(i);
        return new Promise<number>((resolve) => finish.push(() => resolve(i)));
      });
    const running = [task(0), task(1), task(2)];
    await expect(task(3)).rejects.toMatchObject({ name: 'OVERLOADED', retryable: true });
    expect(started).toEqual([0, 1]);
    finish[0]?.();
    await running[0];
    await expect.poll(() => started, { interval: 1 }).toEqual([0, 1, 2]);
    finish[1]?.();
    finish[2]?.();
    expect(await Promise.all(running)).toEqual([0, 1, 2]);
  });

  it('gives the place of a failed task to the next', async () => {
    const limit = new ConcurrencyLimit(1, 10);
    const failing = limit.run(() => Promise.reject(new Error('no')));
    const next = limit.run(async () => 'yes');
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('yes');
    expect(await limit.run(async () => 'again')).toBe('again');
  });
});
