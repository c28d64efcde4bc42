import { ImError } from '@im/protocol';
import { noMetrics } from '@im/protocol/ports';
import { FakeClock, RecordingLogger, RecordingMetrics } from '@im/protocol/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryRpc } from '../memory/index.js';
import type { Rpc, RpcCaller, RpcReply } from '../rpc.js';
import { HeldService } from '../testing/index.js';
import { type AnswerOnceOptions, answerOnce } from './answer-once.js';
import { type WorkerMiddleware, wrapService } from './middleware.js';

let clock: FakeClock;
let metrics: RecordingMetrics;
let logger: RecordingLogger;
let rpc: Rpc;
let caller: RpcCaller;
let held: HeldService;

async function serve(options: Partial<AnswerOnceOptions> = {}): Promise<void> {
  held = new HeldService('gift', { methods: ['send', 'undo'], concurrency: 8 });
  const keyOf: AnswerOnceOptions['keyOf'] = ({ idempotencyKey }) => idempotencyKey;
  await rpc.createWorker().serve(wrapService(held, [answerOnce({ keyOf, clock, metrics, ...options })]));
}

function send(body: string, idempotencyKey?: string, options = {}): Promise<string> {
  return caller.call('gift', 'send', new TextEncoder().encode(body), { idempotencyKey, ...options }).then(textOf);
}

const textOf = (reply: RpcReply) => new TextDecoder().decode(reply.body);

/** Calls and answers with what was sent. */
async function sendAndAnswer(body: string, key?: string): Promise<string> {
  const call = send(body, key);
  (await held.next()).answer();
  return call;
}

const repeated = () => metrics.value('im_rpc_repeated_answers_total');

beforeEach(() => {
  clock = new FakeClock();
  metrics = new RecordingMetrics();
  logger = new RecordingLogger();
  rpc = createMemoryRpc({ clock, logger, metrics: noMetrics });
  caller = rpc.createCaller();
});

afterEach(async () => {
  held.answerAll();
  await rpc.close();
  expect(clock.pendingTimers).toBe(0);
});

describe('answerOnce', () => {
  it('repeats body and headers of the first answer to calls of its key', async () => {
    await serve();
    const call = caller.call('gift', 'send', new Uint8Array([1]), { idempotencyKey: 'k' });
    (await held.next()).answer(new Uint8Array([2]), { effects: ['join'] });
    const first = await call;
    expect(await caller.call('gift', 'send', new Uint8Array([9]), { idempotencyKey: 'k' })).toEqual(first);
    expect(first).toEqual({ body: new Uint8Array([2]), headers: { effects: ['join'] } });
    expect(held.calls).toHaveLength(1);
    expect(repeated()).toBe(1);
  });

  it('carries out a call again whose answer is for that call alone, also for duplicates that waited for it', async () => {
    await serve({ isRepeatable: ({ headers }) => headers.effects === undefined });
    const calls = ['a', 'b'].map((body) => send(body, 'k'));
    (await held.next()).answer(undefined, { effects: ['join'] });
    (await held.next()).answer();
    expect(await Promise.all(calls)).toEqual(['a', 'b']);
    expect(await send('c', 'k')).toBe('b');
    expect(held.calls).toHaveLength(2);
    expect(repeated()).toBe(1);
  });

  it('lets concurrent duplicates share the outcome of the first', async () => {
    await serve();
    const calls = ['a', 'b', 'c'].map((body) => send(body, 'k'));
    (await held.next()).answer();
    expect(await Promise.all(calls)).toEqual(['a', 'a', 'a']);
    expect(held.calls).toHaveLength(1);
    expect(repeated()).toBe(2);
  });

  it('carries out other keys, other methods and calls without key', async () => {
    await serve();
    await sendAndAnswer('a', 'k');
    expect(await sendAndAnswer('b', 'l')).toBe('b');
    expect(await sendAndAnswer('c')).toBe('c');
    expect(await sendAndAnswer('d')).toBe('d');
    const undo = caller.call('gift', 'undo', new Uint8Array([7]), { idempotencyKey: 'k' });
    (await held.next()).answer();
    expect((await undo).body).toEqual(new Uint8Array([7]));
    expect(repeated()).toBe(0);
  });

  it('repeats failures that are not retryable, and logs their cause once', async () => {
    await serve();
    for (const error of [new ImError('FORBIDDEN', { details: { why: 'muted' } }), new Error('unexpected')]) {
      const key = error.name;
      const call = send('a', key);
      (await held.next()).fail(error);
      const first: unknown = await call.catch((thrown: unknown) => thrown);
      expect(first).toBeInstanceOf(ImError);
      await expect(send('a', key)).rejects.toEqual(first);
    }
    expect(held.calls).toHaveLength(2);
    expect(logger.records).toHaveLength(1);
  });

  it('shares a retryable failure with those who wait, and forgets it', async () => {
    await serve();
    const calls = [send('a', 'k'), send('b', 'k')];
    (await held.next()).fail(new ImError('STORE_UNAVAILABLE'));
    for (const call of calls) await expect(call).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
    expect(await sendAndAnswer('c', 'k')).toBe('c');
  });

  it('carries out one waiting duplicate when the first was given up', async () => {
    await serve();
    const controller = new AbortController();
    const first = send('first', 'k', { signal: controller.signal });
    const { request, fail } = await held.next();
    const waiting = [send('second', 'k'), send('third', 'k')];
    controller.abort();
    await expect(first).rejects.toMatchObject({ name: 'CANCELLED' });
    fail(request.signal.reason);
    (await held.next()).answer();
    expect(await Promise.all(waiting)).toEqual(['second', 'second']);
    expect(held.calls).toHaveLength(2);
  });

  it('keeps the answer of a call that went on after its caller had left', async () => {
    await serve();
    const first = send('first', 'k', { timeoutMs: 100 });
    const { answer } = await held.next();
    clock.advance(100);
    await expect(first).rejects.toMatchObject({ name: 'DEADLINE_EXCEEDED' });
    const retry = send('retry', 'k');
    answer();
    expect(await retry).toBe('first');
  });

  it('lets duplicates of a call that hangs leave with their own deadline, and frees their slots', async () => {
    await serve();
    const first = send('first', 'k', { timeoutMs: 1_000 });
    await held.next();
    const duplicates = Promise.allSettled(Array.from({ length: 7 }, () => send('again', 'k', { timeoutMs: 100 })));
    await Promise.resolve();
    clock.advance(100);
    for (const { status } of await duplicates) expect(status).toBe('rejected');
    expect(await sendAndAnswer('other')).toBe('other');
    held.answerAll();
    expect(await first).toBe('first');
  });

  it('carries a key out again once its answer is too old', async () => {
    await serve({ ttlMs: 1_000 });
    await sendAndAnswer('a', 'k');
    clock.advance(999);
    expect(await send('b', 'k')).toBe('a');
    clock.advance(1);
    expect(await sendAndAnswer('c', 'k')).toBe('c');
    expect(metrics.value('im_rpc_kept_answers')).toBe(1);
  });

  it('keeps no more answers than it may, and displaces the oldest', async () => {
    await serve({ maxEntries: 2 });
    for (const key of ['1', '2', '3']) await sendAndAnswer(key, key);
    expect(metrics.value('im_rpc_kept_answers')).toBe(2);
    expect(metrics.value('im_rpc_displaced_answers_total')).toBe(1);
    expect(await send('again', '2')).toBe('2');
    expect(await sendAndAnswer('again', '1')).toBe('again');
  });

  it('does not keep alive the buffer that an answer is a view into', async () => {
    held = new HeldService('gift', { methods: ['send'] });
    const given: Uint8Array[] = [];
    const note: WorkerMiddleware = async (request, next) => {
      const reply = await next(request);
      given.push(reply.body);
      return reply;
    };
    const once = answerOnce({ keyOf: ({ idempotencyKey }) => idempotencyKey, clock, metrics });
    await rpc.createWorker().serve(wrapService(held, [note, once]));
    const call = send('', 'k');
    (await held.next()).answer(new Uint8Array(1_000_000).subarray(10, 20));
    await call;
    await send('', 'k');
    expect([given[1]?.byteLength, given[1]?.buffer.byteLength]).toEqual([10, 10]);
  });

  it('keeps no more bytes than it may', async () => {
    await serve({ maxBytes: 400 });
    await sendAndAnswer('x'.repeat(150), '1');
    await sendAndAnswer('y'.repeat(150), '2');
    await sendAndAnswer('z'.repeat(150), '3');
    expect(metrics.value('im_rpc_kept_answers')).toBe(2);
    expect(metrics.value('im_rpc_kept_answer_bytes')).toBeLessThanOrEqual(400);
    await sendAndAnswer('huge'.repeat(200), '4');
    expect(metrics.value('im_rpc_kept_answers')).toBe(2);
    clock.advance(600_000);
    await sendAndAnswer('', '5');
    expect(metrics.value('im_rpc_kept_answer_bytes')).toBe('gift send 5'.length);
  });
});
