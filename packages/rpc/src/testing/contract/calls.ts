/** What a call carries, and what it fails with. */
import { ImError } from '@im/protocol';
import { expect, it } from 'vitest';
import { MAX_HEADER_BYTES } from '../../rpc-limits.js';
import { answerNothing, bytes, type ContractBench, failure, MAX_BODY_BYTES, text } from './contract-bench.js';

export function callContract(bench: () => ContractBench): void {
  it('carries body and headers there and back', async () => {
    await bench().echo('echo');
    const headers = { connection: { user: 'ann', sequence: 3 }, traceparent: '00-1-2-01' };
    const reply = await bench().call('echo', 'häße\u0000', { headers });
    expect(text(reply)).toBe('häße\u0000');
    expect(reply.headers).toEqual(headers);
  });

  it('carries an empty body and no headers', async () => {
    await bench().echo('echo');
    expect(await bench().call('echo')).toEqual({ body: new Uint8Array(0), headers: {} });
  });

  it('tells the worker service, method, keys and the time that is left', async () => {
    const held = await bench().hold('held');
    const call = bench().call('held', '', { timeoutMs: 800, idempotencyKey: 'i', routingKey: 'r' });
    const { request, answer } = await held.next();
    bench().clock.advance(300);
    expect([request.service, request.method, request.idempotencyKey, request.routingKey]).toEqual([
      'held',
      'do',
      'i',
      'r',
    ]);
    expect(request.remainingMs()).toBe(500);
    expect(request.signal.aborted).toBe(false);
    answer();
    await call;
  });

  it('gives each call its own answer, whatever the order of the answers', async () => {
    const held = await bench().hold('held');
    const calls = ['a', 'b', 'c'].map((body) => bench().call('held', body));
    const arrived = [await held.next(), await held.next(), await held.next()];
    for (const { answer } of arrived.reverse()) answer();
    expect((await Promise.all(calls)).map(text)).toEqual(['a', 'b', 'c']);
  });

  it('does not share headers between caller and worker', async () => {
    await bench().serve('greedy', async ({ headers, body }) => {
      (headers.list as string[]).push('theirs');
      return { body, headers };
    });
    const headers = { list: ['mine'] };
    const reply = await bench().call('greedy', '', { headers });
    expect(headers).toEqual({ list: ['mine'] });
    expect(reply.headers).toEqual({ list: ['mine', 'theirs'] });
  });

  it('never carries out a call inside the one that makes it', async () => {
    let started = false;
    await bench().serve('eager', async (request) => {
      started = true;
      return answerNothing(request);
    });
    const call = bench().call('eager');
    expect(started).toBe(false);
    await call;
    expect(started).toBe(true);
  });

  it('fails with SERVICE_UNKNOWN and METHOD_UNKNOWN', async () => {
    await bench().echo('echo');
    expect(await failure(bench().call('nobody'))).toMatchObject({ name: 'SERVICE_UNKNOWN' });
    expect(await failure(bench().caller.call('echo', 'shout', bytes('')))).toMatchObject({ name: 'METHOD_UNKNOWN' });
    expect(await failure(bench().call('toString'))).toMatchObject({ name: 'SERVICE_UNKNOWN' });
    expect(await failure(bench().caller.call('echo', 'constructor', bytes('')))).toMatchObject({
      name: 'METHOD_UNKNOWN',
    });
  });

  it('carries an ImError by its code, without its cause', async () => {
    await bench().serve('strict', async () => {
      throw ImError.application(1_234, 'GIFT_UNKNOWN', {
        message: 'no such gift',
        retryable: true,
        details: { gift: 'moon' },
        cause: new Error('private'),
      });
    });
    const error = await failure(bench().call('strict'));
    expect(error).toBeInstanceOf(ImError);
    expect(error).toMatchObject({
      code: 1_234,
      name: 'GIFT_UNKNOWN',
      message: 'no such gift',
      retryable: true,
      details: { gift: 'moon' },
    });
    expect((error as ImError).cause).toBeUndefined();
    expect(bench().errors).toEqual([]);
  });

  it('answers INTERNAL to anything else thrown, logs it, and shows nothing of it', async () => {
    const thrown = new Error('password is swordfish');
    await bench().serve('broken', () => Promise.reject(thrown));
    const error = await failure(bench().call('broken'));
    expect(error).toMatchObject({ name: 'INTERNAL', retryable: false });
    expect(JSON.stringify((error as ImError).toBody())).not.toContain('swordfish');
    expect(bench().errors).toMatchObject([{ fields: { service: 'broken', method: 'do', error: thrown } }]);
  });

  it('answers INTERNAL when a service throws instead of rejecting, or answers nothing', async () => {
    await bench().serve('throws', () => {
      throw new TypeError('at once');
    });
    await bench().serve('silent', async () => undefined as never);
    expect(await failure(bench().call('throws'))).toMatchObject({ name: 'INTERNAL' });
    expect(await failure(bench().call('silent'))).toMatchObject({ name: 'INTERNAL' });
  });

  it('leaves out error details that cannot travel and keeps the code', async () => {
    await bench().serve('odd', async () => {
      throw new ImError('FORBIDDEN', { details: { count: 1n } });
    });
    await bench().serve('long', async () => {
      throw new ImError('FORBIDDEN', { details: { list: 'x'.repeat(MAX_HEADER_BYTES) } });
    });
    for (const service of ['odd', 'long']) {
      const error = await failure(bench().call(service));
      expect(error).toMatchObject({ name: 'FORBIDDEN', details: undefined });
    }
  });

  it('refuses bodies beyond the limit, and takes those at the limit', async () => {
    await bench().echo('echo');
    await bench().call('echo', new Uint8Array(MAX_BODY_BYTES));
    expect(await failure(bench().call('echo', new Uint8Array(MAX_BODY_BYTES + 1)))).toMatchObject({
      name: 'BODY_TOO_LARGE',
      details: { part: 'body', limitBytes: MAX_BODY_BYTES },
    });
  });

  it('refuses headers beyond 8 KiB of UTF-8, and what JSON cannot say', async () => {
    await bench().echo('echo');
    const fits = 'é'.repeat((MAX_HEADER_BYTES - '{"a":""}'.length) / 2);
    await bench().call('echo', '', { headers: { a: fits } });
    expect(await failure(bench().call('echo', '', { headers: { a: `${fits}.` } }))).toMatchObject({
      name: 'BODY_TOO_LARGE',
      details: { part: 'headers', limitBytes: MAX_HEADER_BYTES },
    });
    expect(await failure(bench().call('echo', '', { headers: { a: 1n } }))).toMatchObject({
      name: 'INVALID_ARGUMENT',
    });
  });

  it('answers BODY_TOO_LARGE to replies beyond the limits, and logs whose they were', async () => {
    await bench().serve('wordy', async () => ({ body: new Uint8Array(MAX_BODY_BYTES + 1), headers: {} }));
    await bench().serve('heady', async () => ({ body: bytes(''), headers: { a: 'x'.repeat(MAX_HEADER_BYTES) } }));
    expect(await failure(bench().call('wordy'))).toMatchObject({
      name: 'BODY_TOO_LARGE',
      details: { part: 'reply body' },
    });
    expect(await failure(bench().call('heady'))).toMatchObject({
      name: 'BODY_TOO_LARGE',
      details: { part: 'reply headers' },
    });
    expect(bench().errors).toMatchObject([{ fields: { service: 'wordy' } }, { fields: { service: 'heady' } }]);
  });
}
