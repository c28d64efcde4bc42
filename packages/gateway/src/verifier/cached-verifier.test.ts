import { ImError } from '@im/protocol';
import { FakeClock, RecordingMetrics } from '@im/protocol/testing';
import type { CancelSignal } from '@im/rpc';
import { describe, expect, it } from 'vitest';
import { cachedVerifier } from './cached-verifier.js';
import type { Identity, TokenSource } from './token-verifier.js';

const HOME: TokenSource = { address: '203.0.113.1', device: 'd1', platform: 'web' };
const ANN: Identity = { user: 'ann', claims: {} };
const never = new AbortController().signal;

interface Asked {
  readonly token: string;
  readonly signal: CancelSignal;
  readonly settle: (outcome: Identity | Error) => void;
}

/** A verifier that answers when the test says so. */
function askable() {
  const asked: Asked[] = [];
  const verify = (token: string, _source: TokenSource, signal: CancelSignal) =>
    new Promise<Identity>((resolve, reject) => {
      const settle = (outcome: Identity | Error) => (outcome instanceof Error ? reject(outcome) : resolve(outcome));
      asked.push({ token, signal, settle });
    });
  return { asked, verify };
}

/** A verifier that always answers the same. */
function counted(outcome: Identity | Error) {
  let times = 0;
  return {
    get times() {
      return times;
    },
    async verify() {
      times++;
      if (outcome instanceof Error) throw outcome;
      return outcome;
    },
  };
}

describe('cachedVerifier', () => {
  it('asks once for the same token from the same place, and again after the time to live', async () => {
    const clock = new FakeClock();
    const inner = counted(ANN);
    const metrics = new RecordingMetrics();
    const verifier = cachedVerifier(inner, { clock, ttlMs: 1_000, metrics });
    expect(await verifier.verify('t', HOME, never)).toBe(ANN);
    clock.advance(999);
    expect(await verifier.verify('t', HOME, never)).toBe(ANN);
    expect(inner.times).toBe(1);
    clock.advance(1);
    await verifier.verify('t', HOME, never);
    expect(inner.times).toBe(2);
    expect(metrics.value('im_gateway_verifier_cache_hits_total')).toBe(1);
    expect(metrics.value('im_gateway_verifier_cache_misses_total')).toBe(2);
    expect(metrics.value('im_gateway_verifier_cache_entries')).toBe(1);
  });

  it('asks again for another address, device or platform: the answer may depend on them', async () => {
    const inner = counted(ANN);
    const verifier = cachedVerifier(inner, { clock: new FakeClock() });
    await verifier.verify('t', HOME, never);
    await verifier.verify('t', { ...HOME, address: '203.0.113.2' }, never);
    await verifier.verify('t', { ...HOME, device: 'd2' }, never);
    await verifier.verify('t', { ...HOME, platform: 'ios' }, never);
    expect(inner.times).toBe(4);
  });

  it('never remembers an identity past the expiry of its token', async () => {
    const clock = new FakeClock();
    const inner = counted({ ...ANN, expiresAt: clock.now() + 10 });
    const verifier = cachedVerifier(inner, { clock, ttlMs: 1_000 });
    await verifier.verify('t', HOME, never);
    clock.advance(10);
    await verifier.verify('t', HOME, never);
    expect(inner.times).toBe(2);
  });

  it('remembers refusals briefly, and a verifier that was away not at all', async () => {
    const clock = new FakeClock();
    for (const [name, times] of [
      ['UNAUTHORIZED', 1],
      ['TOKEN_EXPIRED', 1],
      ['VERIFIER_UNAVAILABLE', 2],
    ] as const) {
      const inner = counted(new ImError(name));
      const verifier = cachedVerifier(inner, { clock, refusalTtlMs: 100 });
      for (let i = 0; i < 2; i++) {
        await expect(verifier.verify('t', HOME, never)).rejects.toMatchObject({ name });
      }
      expect(inner.times).toBe(times);
      clock.advance(100);
      await expect(verifier.verify('t', HOME, never)).rejects.toMatchObject({ name });
      expect(inner.times).toBe(times + 1);
    }
  });

  it('keeps the most recently used, and lets no flood of refused tokens push out good ones', async () => {
    const inner = {
      times: 0,
      async verify(token: string): Promise<Identity> {
        this.times++;
        if (token.startsWith('bad')) throw new ImError('UNAUTHORIZED');
        return ANN;
      },
    };
    const verifier = cachedVerifier(inner, { clock: new FakeClock(), maxEntries: 2 });
    for (const token of ['a', 'b', 'a', 'c']) await verifier.verify(token, HOME, never);
    for (let i = 0; i < 5; i++) await verifier.verify(`bad${i}`, HOME, never).catch(() => {});
    const before = inner.times;
    await verifier.verify('a', HOME, never);
    await verifier.verify('c', HOME, never);
    expect(inner.times).toBe(before);
    await verifier.verify('b', HOME, never);
    expect(inner.times).toBe(before + 1);
  });

  it('shares a verification that is under way, and gives it up only when the last one has lost interest', async () => {
    const inner = askable();
    const verifier = cachedVerifier(inner, { clock: new FakeClock() });
    const first = new AbortController();
    const second = new AbortController();
    const outcomes = [verifier.verify('t', HOME, first.signal), verifier.verify('t', HOME, second.signal)];
    expect(inner.asked).toHaveLength(1);
    first.abort();
    expect(inner.asked[0]?.signal.aborted).toBe(false);
    inner.asked[0]?.settle(ANN);
    expect(await Promise.all(outcomes)).toEqual([ANN, ANN]);

    const lost = new AbortController();
    const gone = verifier.verify('other', HOME, lost.signal);
    lost.abort();
    expect(inner.asked[1]?.signal.aborted).toBe(true);
    const next = verifier.verify('other', HOME, never);
    expect(inner.asked).toHaveLength(3);
    inner.asked[1]?.settle(new ImError('VERIFIER_UNAVAILABLE'));
    inner.asked[2]?.settle(ANN);
    await expect(gone).rejects.toMatchObject({ name: 'VERIFIER_UNAVAILABLE' });
    expect(await next).toBe(ANN);
  });
});
