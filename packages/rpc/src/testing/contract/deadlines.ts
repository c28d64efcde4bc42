/** Deadlines, cancellation, what nested calls inherit, and replies that come too late. */
import { expect, it } from 'vitest';
import { Cancellation, type CancelSignal } from '../../cancellation.js';
import type { RpcReply } from '../../rpc.js';
import { DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS } from '../../rpc-limits.js';
import { TRACE_HEADER } from '../../wire-values.js';
import { bytes, type ContractFixture, eventually, failure, text } from './contract-fixture.js';

const signals: readonly [string, () => { signal: CancelSignal; abort: () => void }][] = [
  [
    'an AbortSignal',
    () => {
      const controller = new AbortController();
      return { signal: controller.signal, abort: () => controller.abort() };
    },
  ],
  [
    'a Cancellation',
    () => {
      const cancellation = new Cancellation();
      return { signal: cancellation, abort: () => cancellation.abort() };
    },
  ],
];

export function deadlineContract(fixture: () => ContractFixture): void {
  it('fails with DEADLINE_EXCEEDED at the deadline and tells the worker', async () => {
    const held = await fixture().hold('held');
    const failed = failure(fixture().call('held', '', { timeoutMs: 100 }));
    const { request } = await held.next();
    const { signal } = request;
    fixture().clock.advance(99);
    expect(signal.aborted).toBe(false);
    fixture().clock.advance(1);
    expect(await failed).toMatchObject({ name: 'DEADLINE_EXCEEDED', retryable: true, details: { handedOut: true } });
    await eventually(() => expect(signal.aborted).toBe(true));
    expect(signal.reason).toMatchObject({ name: 'DEADLINE_EXCEEDED' });
    expect(request.remainingMs()).toBe(0);
  });

  it('shows an aborted signal to a worker that looks only after the deadline', async () => {
    const held = await fixture().hold('held');
    const failed = failure(fixture().call('held', '', { timeoutMs: 100 }));
    const { request } = await held.next();
    fixture().clock.advance(100);
    await failed;
    await eventually(() => expect(request.signal.aborted).toBe(true));
  });

  it('gives a call ten seconds unless it says otherwise, and never more than an hour', async () => {
    const held = await fixture().hold('held');
    const failed = failure(fixture().call('held'));
    expect((await held.next()).request.remainingMs()).toBe(DEFAULT_TIMEOUT_MS);
    fixture().clock.advance(DEFAULT_TIMEOUT_MS);
    expect(await failed).toMatchObject({ name: 'DEADLINE_EXCEEDED' });
    const endless = fixture().call('held', '', { timeoutMs: Number.POSITIVE_INFINITY });
    const { request, answer } = await held.next();
    expect(request.remainingMs()).toBe(MAX_TIMEOUT_MS);
    answer();
    await endless;
  });

  it('refuses a deadline that has passed or is no number before anything is sent', async () => {
    const held = await fixture().hold('held');
    for (const timeoutMs of [0, -1]) {
      expect(await failure(fixture().call('held', '', { timeoutMs }))).toMatchObject({
        name: 'DEADLINE_EXCEEDED',
        details: { handedOut: false },
      });
    }
    expect(await failure(fixture().call('held', '', { timeoutMs: Number.NaN }))).toMatchObject({
      name: 'INVALID_ARGUMENT',
    });
    expect(held.calls).toEqual([]);
  });

  it('never hands out a call whose deadline passed while it waited', async () => {
    const held = await fixture().hold('held', { concurrency: 1 });
    const first = fixture().call('held', 'first');
    const { answer } = await held.next();
    const failed = failure(fixture().call('held', 'expired', { timeoutMs: 50 }));
    await fixture().queued(1);
    fixture().clock.advance(50);
    expect(await failed).toMatchObject({ name: 'DEADLINE_EXCEEDED', details: { handedOut: false } });
    answer();
    await first;
    const next = fixture().call('held', 'next');
    (await held.next()).answer();
    expect(text(await next)).toBe('next');
    expect(held.calls).toHaveLength(2);
  });

  it.each(signals)(
    'cancels a running call: the caller gets CANCELLED, the worker its aborted signal [%s]',
    async (_kind, make) => {
      const held = await fixture().hold('held');
      const { signal, abort } = make();
      const failed = failure(fixture().call('held', '', { signal }));
      const { request } = await held.next();
      abort();
      expect(await failed).toMatchObject({ name: 'CANCELLED', details: { handedOut: true } });
      await eventually(() => expect(request.signal.aborted).toBe(true));
      expect(request.signal.reason).toMatchObject({ name: 'CANCELLED' });
    },
  );

  it.each(signals)('cancels a waiting call before a worker sees it [%s]', async (_kind, make) => {
    const held = await fixture().hold('held', { concurrency: 1 });
    const first = fixture().call('held');
    const { answer } = await held.next();
    const { signal, abort } = make();
    const failed = failure(fixture().call('held', '', { signal }));
    await fixture().queued(1);
    abort();
    expect(await failed).toMatchObject({ name: 'CANCELLED', details: { handedOut: false } });
    await fixture().queued(0);
    answer();
    await first;
    expect(held.calls).toHaveLength(1);
  });

  it.each(signals)('does not send a call whose signal is aborted already [%s]', async (_kind, make) => {
    const { signal, abort } = make();
    abort();
    const held = await fixture().hold('held');
    expect(await failure(fixture().call('held', '', { signal }))).toMatchObject({
      name: 'CANCELLED',
      details: { handedOut: false },
    });
    expect(held.calls).toEqual([]);
  });

  it.each(signals)('ignores a cancellation after the answer [%s]', async (_kind, make) => {
    await fixture().echo('echo');
    const { signal, abort } = make();
    const reply = await fixture().call('echo', 'a', { signal });
    abort();
    expect(text(reply)).toBe('a');
  });

  it('lets nested calls inherit what is left of the deadline, and keep a shorter one of their own', async () => {
    const inner = await fixture().hold('inner');
    const outcomes: unknown[] = [];
    await fixture().serve('outer', async (request) => {
      const short = fixture().call('inner', 'short', { within: request, timeoutMs: 30 });
      const long = fixture().call('inner', 'long', { within: request, timeoutMs: 5_000 });
      for (const call of [short, long]) outcomes.push(await failure(call));
      return { body: request.body, headers: {} };
    });
    const failed = failure(fixture().call('outer', '', { timeoutMs: 100 }));
    expect((await inner.next()).request.remainingMs()).toBe(30);
    expect((await inner.next()).request.remainingMs()).toBe(100);
    fixture().clock.advance(100);
    expect(await failed).toMatchObject({ name: 'DEADLINE_EXCEEDED' });
    await eventually(() => expect(outcomes).toHaveLength(2));
    expect(outcomes).toMatchObject([{ name: 'DEADLINE_EXCEEDED' }, { name: 'DEADLINE_EXCEEDED' }]);
  });

  it('refuses nested calls once the deadline has passed', async () => {
    const inner = await fixture().hold('inner');
    const outer = await fixture().hold('outer');
    const failed = failure(fixture().call('outer', '', { timeoutMs: 100 }));
    const { request } = await outer.next();
    fixture().clock.advance(100);
    await failed;
    expect(await failure(fixture().call('inner', '', { within: request }))).toMatchObject({
      name: 'DEADLINE_EXCEEDED',
    });
    expect(inner.calls).toEqual([]);
  });

  it('cancels nested calls with the call they are made on behalf of', async () => {
    const inner = await fixture().hold('inner');
    const outer = await fixture().hold('outer');
    const controller = new AbortController();
    const outerFailed = failure(fixture().call('outer', '', { signal: controller.signal }));
    const { request } = await outer.next();
    const innerFailed = failure(fixture().call('inner', '', { within: request }));
    const nested = await inner.next();
    controller.abort();
    expect(await outerFailed).toMatchObject({ name: 'CANCELLED' });
    expect(await innerFailed).toMatchObject({ name: 'CANCELLED' });
    await eventually(() => expect(nested.request.signal.aborted).toBe(true));
  });

  it('passes the trace header on to nested calls that have none, and no other header', async () => {
    await fixture().echo('inner');
    const seen: unknown[] = [];
    await fixture().serve('outer', async (within) => {
      for (const headers of [undefined, { [TRACE_HEADER]: 'own' }]) {
        seen.push((await fixture().call('inner', '', { within, headers })).headers);
      }
      return { body: bytes(''), headers: {} };
    });
    await fixture().call('outer', '', { headers: { [TRACE_HEADER]: 'theirs', connection: 'private' } });
    expect(seen).toEqual([{ [TRACE_HEADER]: 'theirs' }, { [TRACE_HEADER]: 'own' }]);
  });

  it('hands a reply that comes after the deadline or the cancellation to onLate, once', async () => {
    const held = await fixture().hold('held');
    const late: RpcReply[] = [];
    const onLate = (reply: RpcReply) => late.push(reply);
    const controller = new AbortController();
    const failed = [
      failure(fixture().call('held', 'expired', { timeoutMs: 100, onLate })),
      failure(fixture().call('held', 'cancelled', { signal: controller.signal, onLate })),
    ];
    const arrived = [await held.next(), await held.next()];
    fixture().clock.advance(100);
    controller.abort();
    await Promise.all(failed);
    expect(late).toEqual([]);
    for (const { request, answer } of arrived) {
      answer(request.body, { effects: ['join'] });
      answer(request.body);
    }
    await eventually(() => expect(late).toHaveLength(2));
    expect(late.map(text)).toEqual(['expired', 'cancelled']);
    expect(late[0]?.headers).toEqual({ effects: ['join'] });
  });

  it('calls onLate neither for a late error nor for a reply in time', async () => {
    const held = await fixture().hold('held', { concurrency: 1 });
    let late = 0;
    const onLate = () => void late++;
    const failed = failure(fixture().call('held', '', { timeoutMs: 100, onLate }));
    const { fail } = await held.next();
    fixture().clock.advance(100);
    await failed;
    fail(new Error('after all'));
    const inTime = fixture().call('held', '', { onLate });
    (await held.next()).answer();
    await inTime;
    expect(late).toBe(0);
  });

  it('survives an onLate that throws', async () => {
    const held = await fixture().hold('held', { concurrency: 1 });
    const failed = failure(
      fixture().call('held', '', {
        timeoutMs: 100,
        onLate: () => {
          throw new Error('careless');
        },
      }),
    );
    const { answer } = await held.next();
    fixture().clock.advance(100);
    await failed;
    answer();
    const next = fixture().call('held', 'next');
    (await held.next()).answer();
    expect(text(await next)).toBe('next');
    expect(fixture().errors).toMatchObject([{ fields: { service: 'held' } }]);
  });
}
