/** What a call carries, and what it fails with. */
import { ImError } from '@im/protocol';
import { expect, it } from 'vitest';
import { MAX_HEADER_BYTES } from '../../rpc-limits.js';
import { answerNothing, bytes, type ContractFixture, failure, MAX_BODY_BYTES, text } from './contract-fixture.js';

export function callContract(fixture: () => ContractFixture): void {
  it('carries body and headers there and back', async () => {
    await fixture().echo('echo');
    const headers = { connection: { user: 'ann', sequence: 3 }, traceparent: '00-1-2-01' };
    const reply = await fixture().call('echo', 'häße\u0000', { headers });
    expect(text(reply)).toBe('häße\u0000');
    expect(reply.headers).toEqual(headers);
  });

  it('carries an empty body and no headers', async () => {
    await fixture().echo('echo');
    expect(await fixture().call('echo')).toEqual({ body: new Uint8Array(0), headers: {} });
  });

  it('tells the worker service, method, keys and the time that is left', async () => {
    const held = await fixture().hold('held');
    const call = fixture().call('held', '', { timeoutMs: 800, idempotencyKey: 'i', routingKey: 'r' });
    const { request, answer } = await held.next();
    fixture().clock.advance(300);
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
    const held = await fixture().hold('held');
    const calls = ['a', 'b', 'c'].map((body) => fixture().call('held', body));
    const arrived = [await held.next(), await held.next(), await held.next()];
    for (const { answer } of arrived.reverse()) answer();
    expect((await Promise.all(calls)).map(text)).toEqual(['a', 'b', 'c']);
  });

  it('does not share headers between caller and worker', async () => {
    await fixture().serve('greedy', async ({ headers, body }) => {
      (headers.list as string[]).push('theirs');
      return { body, headers };
    });
    const headers = { list: ['mine'] };
    const reply = await fixture().call('greedy', '', { headers });
    expect(headers).toEqual({ list: ['mine'] });
    expect(reply.headers).toEqual({ list: ['mine', 'theirs'] });
  });

  it('never carries out a call inside the one that makes it', async () => {
    let started = false;
    await fixture().serve('eager', async (request) => {
      started = true;
      return answerNothing(request);
    });
    const call = fixture().call('eager');
    expect(started).toBe(false);
    await call;
    expect(started).toBe(true);
  });

  it('fails with SERVICE_UNKNOWN and METHOD_UNKNOWN', async () => {
    await fixture().echo('echo');
    expect(await failure(fixture().call('nobody'))).toMatchObject({ name: 'SERVICE_UNKNOWN' });
    expect(await failure(fixture().caller.call('echo', 'shout', bytes('')))).toMatchObject({ name: 'METHOD_UNKNOWN' });
    expect(await failure(fixture().call('toString'))).toMatchObject({ name: 'SERVICE_UNKNOWN' });
    expect(await failure(fixture().caller.call('echo', 'constructor', bytes('')))).toMatchObject({
      name: 'METHOD_UNKNOWN',
    });
  });

  it('[RP-9] carries an ImError by its code, without its cause', async () => {
    await fixture().serve('strict', async () => {
      throw ImError.application(1_234, 'GIFT_UNKNOWN', {
        message: 'no such gift',
        retryable: true,
        details: { gift: 'moon' },
        cause: new Error('private'),
      });
    });
    const error = await failure(fixture().call('strict'));
    expect(error).toBeInstanceOf(ImError);
    expect(error).toMatchObject({
      code: 1_234,
      name: 'GIFT_UNKNOWN',
      message: 'no such gift',
      retryable: true,
      details: { gift: 'moon' },
    });
    expect((error as ImError).cause).toBeUndefined();
    expect(fixture().errors).toEqual([]);
  });

  it('never says of a call that has begun that it was not handed out, whatever its handler failed with', async () => {
    await fixture().serve('outer', async () => {
      throw new ImError('UNAVAILABLE', { details: { handedOut: false } });
    });
    expect(await failure(fixture().call('outer'))).toMatchObject({ name: 'UNAVAILABLE', details: { handedOut: true } });
    expect(await failure(fixture().call('nobody'))).toMatchObject({ details: { handedOut: false } });
  });

  it('answers INTERNAL to anything else thrown, logs it, and shows nothing of it', async () => {
    const thrown = new Error('password is swordfish');
    await fixture().serve('broken', () => Promise.reject(thrown));
    const error = await failure(fixture().call('broken'));
    expect(error).toMatchObject({ name: 'INTERNAL', retryable: false });
    expect(JSON.stringify((error as ImError).toBody())).not.toContain('swordfish');
    expect(fixture().errors).toMatchObject([{ fields: { service: 'broken', method: 'do', error: thrown } }]);
  });

  it('answers INTERNAL when a service throws instead of rejecting, or answers nothing', async () => {
    await fixture().serve('throws', () => {
      throw new TypeError('at once');
    });
    await fixture().serve('silent', async () => undefined as never);
    expect(await failure(fixture().call('throws'))).toMatchObject({ name: 'INTERNAL' });
    expect(await failure(fixture().call('silent'))).toMatchObject({ name: 'INTERNAL' });
  });

  it('leaves out error details that cannot travel and keeps the code', async () => {
    await fixture().serve('odd', async () => {
      throw new ImError('FORBIDDEN', { details: { count: 1n } });
    });
    await fixture().serve('long', async () => {
      throw new ImError('FORBIDDEN', { details: { list: 'x'.repeat(MAX_HEADER_BYTES) } });
    });
    for (const service of ['odd', 'long']) {
      const error = await failure(fixture().call(service));
      expect(error).toMatchObject({ name: 'FORBIDDEN', details: undefined });
    }
  });

  it('refuses bodies beyond the limit, and takes those at the limit', async () => {
    await fixture().echo('echo');
    await fixture().call('echo', new Uint8Array(MAX_BODY_BYTES));
    expect(await failure(fixture().call('echo', new Uint8Array(MAX_BODY_BYTES + 1)))).toMatchObject({
      name: 'BODY_TOO_LARGE',
      details: { part: 'body', limitBytes: MAX_BODY_BYTES },
    });
  });

  it('refuses headers beyond 8 KiB of UTF-8, and what JSON cannot say', async () => {
    await fixture().echo('echo');
    const fits = 'é'.repeat((MAX_HEADER_BYTES - '{"a":""}'.length) / 2);
    await fixture().call('echo', '', { headers: { a: fits } });
    expect(await failure(fixture().call('echo', '', { headers: { a: `${fits}.` } }))).toMatchObject({
      name: 'BODY_TOO_LARGE',
      details: { part: 'headers', limitBytes: MAX_HEADER_BYTES },
    });
    expect(await failure(fixture().call('echo', '', { headers: { a: 1n } }))).toMatchObject({
      name: 'INVALID_ARGUMENT',
    });
  });

  it('answers BODY_TOO_LARGE to replies beyond the limits, and logs whose they were', async () => {
    await fixture().serve('wordy', async () => ({ body: new Uint8Array(MAX_BODY_BYTES + 1), headers: {} }));
    await fixture().serve('heady', async () => ({ body: bytes(''), headers: { a: 'x'.repeat(MAX_HEADER_BYTES) } }));
    expect(await failure(fixture().call('wordy'))).toMatchObject({
      name: 'BODY_TOO_LARGE',
      details: { part: 'reply body' },
    });
    expect(await failure(fixture().call('heady'))).toMatchObject({
      name: 'BODY_TOO_LARGE',
      details: { part: 'reply headers' },
    });
    expect(fixture().errors).toMatchObject([{ fields: { service: 'wordy' } }, { fields: { service: 'heady' } }]);
  });
}
