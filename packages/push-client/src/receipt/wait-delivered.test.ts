import { getEventListeners } from 'node:events';
import { ImError } from '@im/protocol';
import { FakeClock } from '@im/protocol/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import type { PushReceipt, WaitOptions } from '../push-client.js';
import { waitDelivered } from './wait-delivered.js';

const receipt = (delivered: number, of = 2): PushReceipt => ({ of, delivered, isComplete: delivered >= of });

let clock: FakeClock;
let closing: AbortController;
/** When it was looked. */
let looks: number[];
beforeEach(() => {
  clock = new FakeClock();
  closing = new AbortController();
  looks = [];
});

function wait(look: () => Promise<PushReceipt>, options: WaitOptions = {}): Promise<PushReceipt> {
  const begun = clock.monotonic();
  const looking = () => {
    looks.push(clock.monotonic() - begun);
    return look();
  };
  return waitDelivered(looking, options, { clock, closing: closing.signal });
}

/** Everything that a signal knows of others, wherever it keeps it. */
const heldBy = (signal: AbortSignal): number =>
  Object.getOwnPropertySymbols(signal)
    .map((symbol) => (signal as unknown as Record<symbol, { readonly size?: number } | undefined>)[symbol]?.size ?? 0)
    .reduce((sum, size) => sum + size, getEventListeners(signal, 'abort').length);

/** Lets time go on in small steps, as far as it is told. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 10) {
    clock.advance(10);
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  }
}

describe('waiting until enough have a push', () => {
  it('looks again after growing pauses, and shortly before the end', async () => {
    const waiting = wait(async () => receipt(1), { timeoutMs: 10_000 });
    await pass(10_000);
    expect(await waiting).toEqual({ of: 2, delivered: 1, isComplete: false });
    const pauses = looks.slice(1).map((at, index) => at - (looks[index] as number));
    expect(looks.length).toBeLessThan(30);
    expect(Math.max(...pauses)).toBeGreaterThan(1_500);
    expect(Math.min(...pauses)).toBe(100);
    expect(looks.at(-1)).toBeGreaterThanOrEqual(9_800);
    expect(clock.pendingTimers).toBe(0);
  });

  it('looks seldom where there are many who have it not', async () => {
    const waiting = wait(async () => receipt(0, 10_000), { timeoutMs: 4_000 });
    await pass(4_000);
    await waiting;
    expect(looks[1]).toBeGreaterThanOrEqual(1_000);
  });

  it('ends in time though nothing answers, and tells what it knew', async () => {
    let answers = 1;
    const look = () => (answers-- > 0 ? Promise.resolve(receipt(1)) : new Promise<PushReceipt>(() => {}));
    const waiting = wait(look, { timeoutMs: 500 });
    await pass(500);
    expect(await waiting).toEqual({ of: 2, delivered: 1, isComplete: false });
    const unanswered = expect(wait(look, { timeoutMs: 500 })).rejects.toMatchObject({ name: 'TIMEOUT' });
    await pass(500);
    await unanswered;
    expect(clock.pendingTimers).toBe(0);
  });

  it('goes on over what is retryable, fails with it when nothing else came, and at once with what is not', async () => {
    let failures = 2;
    const waiting = wait(async () => {
      if (failures-- > 0) throw new ImError('UNAVAILABLE');
      return receipt(2);
    });
    await pass(1_000);
    expect(await waiting).toEqual({ of: 2, delivered: 2, isComplete: true });
    const failing = wait(() => Promise.reject(new ImError('UNAVAILABLE')), { timeoutMs: 300 });
    const failed = expect(failing).rejects.toMatchObject({ name: 'UNAVAILABLE' });
    await pass(300);
    await failed;
    const unserved = wait(() => Promise.reject(new ImError('RECEIPTS_UNSERVED')));
    await expect(unserved).rejects.toMatchObject({ name: 'RECEIPTS_UNSERVED' });
    expect(clock.pendingTimers).toBe(0);
  });

  it('leaves nothing of those who waited at the signals that end it', async () => {
    const own = new AbortController();
    const kept: number[] = [];
    for (let times = 0; times < 3; times += 1) {
      await wait(async () => receipt(2), { signal: own.signal });
      kept.push(heldBy(closing.signal), heldBy(own.signal));
    }
    expect(new Set(kept.slice(2)).size).toBe(1);
    expect(clock.pendingTimers).toBe(0);
  });

  it('waits for more people than a push has reached so far', async () => {
    let of = 2;
    const waiting = wait(async () => receipt(of, of), { atLeast: 3 });
    await pass(300);
    of = 3;
    await pass(300);
    expect(await waiting).toEqual({ of: 3, delivered: 3, isComplete: true });
  });
});
