import { ImError } from '@im/protocol';
import { describe, expect, it } from 'vitest';
import { setUp } from './testing/fixture.js';

describe('a call', () => {
  it('[PR-50] carries method, data and the time that is left, and gets the data of its reply', async () => {
    const { gateway, client, start } = setUp();
    gateway.handle('chat.send', ({ text }) => ({ id: `m-${String(text)}` }));
    await start();
    expect(await client.call('chat.send', { text: 'hi' })).toEqual({ id: 'm-hi' });
    expect(gateway.link.receivedOf('call')).toEqual([
      { type: 'call', id: 2, method: 'chat.send', data: { text: 'hi' }, timeoutMs: 10_000 },
    ]);
  });

  it('[PR-58] without data asks for nothing, and takes no data for null', async () => {
    const { gateway, client, start } = setUp();
    gateway.handle('a.b', () => undefined);
    await start();
    expect(await client.call('a.b')).toBeNull();
    expect(gateway.link.receivedOf('call')[0]).not.toHaveProperty('data');
  });

  it('[PR-25] rejects with the error of the answer: code, name, retryability, details', async () => {
    const { gateway, client, start } = setUp();
    const answer = { message: 'slow down', retryable: true, details: { retryAfterMs: 900 } };
    gateway.handle('chat.send', () => {
      throw ImError.application(1001, 'TOO_FAST', answer);
    });
    await start();
    const error: unknown = await client.call('chat.send').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ImError);
    expect(error).toMatchObject({ code: 1001, name: 'TOO_FAST', ...answer });
  });

  it('[PR-23] gets its own answer whatever the order of the answers', async () => {
    const { gateway, client, start } = setUp();
    const answers: ((value: unknown) => void)[] = [];
    gateway.handle('a.b', () => new Promise((resolve) => answers.push(resolve)));
    await start();
    const calls = [client.call('a.b'), client.call('a.b'), client.call('a.b')];
    await gateway.settled();
    for (const [index, answer] of [...answers.entries()].reverse()) answer(index);
    expect(await Promise.all(calls)).toEqual([0, 1, 2]);
    const ids = gateway.link.receivedOf('call').map(({ id }) => id);
    expect(new Set(ids).size).toBe(3);
  });

  it('waits for a connection, and leaves in the order in which it came', async () => {
    const { gateway, client, start } = setUp();
    gateway.handle('a.b', ({ n }) => n);
    const calls = [1, 2, 3].map((n) => client.call('a.b', { n }));
    await start();
    expect(await Promise.all(calls)).toEqual([1, 2, 3]);
    expect(gateway.link.receivedOf('call').map(({ data }) => data)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  });

  it('tells the gateway only the time that is left of its own', async () => {
    const { gateway, client, start, pass } = setUp();
    gateway.handle('a.b', () => 1);
    const call = client.call('a.b', {}, { timeoutMs: 3_000 });
    await pass(1_000);
    await start();
    await call;
    expect(gateway.link.receivedOf('call')[0]?.timeoutMs).toBe(2_000);
  });

  it('ends with TIMEOUT, says whether it was sent, and is withdrawn where it was (PR-54)', async () => {
    const { gateway, client, start, pass } = setUp({ callTimeoutMs: 2_000 });
    const unsent = client.call('a.b').catch((error: unknown) => error);
    await pass(2_000);
    expect(await unsent).toMatchObject({ name: 'TIMEOUT', retryable: true, details: { sent: false } });
    gateway.handle('a.b', () => new Promise(() => {}));
    await start();
    const sent = client.call('a.b', {}, { timeoutMs: 500 }).catch((error: unknown) => error);
    await pass(500);
    expect(await sent).toMatchObject({ name: 'TIMEOUT', details: { sent: true } });
    expect(gateway.link.received.slice(-2)).toMatchObject([
      { type: 'call', id: 3 },
      { type: 'cancel', call: 3 },
    ]);
  });

  it('[PR-54] is cancelled by its signal, sent or not', async () => {
    const { gateway, client, start } = setUp();
    gateway.handle('a.b', () => new Promise(() => {}));
    const aborted = client.call('a.b', {}, { signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ name: 'CANCELLED' });
    const before = new AbortController();
    const unsent = client.call('a.b', {}, { signal: before.signal });
    before.abort();
    await expect(unsent).rejects.toMatchObject({ name: 'CANCELLED' });
    await start();
    const after = new AbortController();
    const sent = client.call('a.b', {}, { signal: after.signal });
    await gateway.settled();
    after.abort();
    await expect(sent).rejects.toMatchObject({ name: 'CANCELLED' });
    await gateway.settled();
    expect(gateway.link.received.slice(1)).toMatchObject([
      { type: 'call', id: 3 },
      { type: 'cancel', call: 3 },
    ]);
  });

  it('ends with DISCONNECTED when its answer was lost with the connection', async () => {
    const { gateway, client, start, pass } = setUp();
    gateway.handle('a.b', () => new Promise(() => {}));
    await start();
    const call = client.call('a.b').catch((error: unknown) => error);
    await gateway.settled();
    gateway.link.cut();
    await pass(1_000);
    expect(await call).toMatchObject({ name: 'DISCONNECTED', retryable: true });
    expect(gateway.link.receivedOf('call')).toEqual([]);
  });

  it('[PR-56] with a key is repeated after the reconnect, with the same key and before later calls', async () => {
    const { gateway, client, start, pass } = setUp();
    gateway.handle('gift.send', () => new Promise(() => {}));
    await start();
    const gift = client.call('gift.send', { gift: 'rocket' }, { key: 'k-1' });
    await gateway.settled();
    gateway.link.cut();
    await gateway.settled();
    gateway.handle('gift.send', (_data, { call }) => call.key);
    gateway.handle('a.b', () => 2);
    const later = client.call('a.b');
    await pass(1_000);
    expect(await gift).toBe('k-1');
    expect(await later).toBe(2);
    expect(gateway.link.receivedOf('call').map(({ method }) => method)).toEqual(['gift.send', 'a.b']);
    expect(gateway.link.receivedOf('call')[0]?.timeoutMs).toBeLessThan(10_000);
  });

  it('with a key is repeated only within its time', async () => {
    const { gateway, client, start, pass } = setUp({ reconnect: { minMs: 5_000 } });
    gateway.handle('gift.send', () => new Promise(() => {}));
    await start();
    const gift = client.call('gift.send', {}, { key: 'k-1', timeoutMs: 1_000 }).catch((error: unknown) => error);
    await gateway.settled();
    gateway.link.cut();
    await pass(6_000);
    expect(await gift).toMatchObject({ name: 'TIMEOUT' });
    expect(gateway.link.receivedOf('call')).toEqual([]);
  });

  it('[PR-26] waits for its turn instead of exceeding the gateway’s limit of unanswered calls', async () => {
    const { gateway, client, start } = setUp({}, { limits: { pendingCalls: 2 } });
    const answers: ((value: unknown) => void)[] = [];
    gateway.handle('a.b', () => new Promise((resolve) => answers.push(resolve)));
    await start();
    const calls = [1, 2, 3].map(() => client.call('a.b'));
    await gateway.settled();
    expect(answers).toHaveLength(2);
    answers[0]?.(1);
    await gateway.settled();
    expect(answers).toHaveLength(3);
    for (const answer of answers) answer(1);
    await Promise.all(calls);
  });

  it('frees its turn also when it times out or is cancelled', async () => {
    const { gateway, client, start, pass } = setUp({}, { limits: { pendingCalls: 1 } });
    gateway.handle('a.b', () => new Promise(() => {}));
    await start();
    const aborting = new AbortController();
    client.call('a.b', 1, { timeoutMs: 100 }).catch(() => {});
    client.call('a.b', 2, { signal: aborting.signal }).catch(() => {});
    client.call('a.b', 3).catch(() => {});
    await pass(100);
    aborting.abort();
    await gateway.settled();
    expect(gateway.link.receivedOf('call').map(({ data }) => data)).toEqual([1, 2, 3]);
  });

  it('is refused with QUEUE_FULL when a thousand wait', async () => {
    const { client } = setUp();
    const waiting = Array.from({ length: 1_000 }, () => client.call('a.b').catch((error: unknown) => error));
    await expect(client.call('a.b')).rejects.toMatchObject({ name: 'QUEUE_FULL', retryable: true });
    client.close();
    expect(await Promise.all(waiting)).toEqual(waiting.map(() => expect.objectContaining({ name: 'CLOSED' })));
  });

  it('[PR-13] is refused here when it is larger than the gateway takes, which would close for good', async () => {
    const { gateway, client, start } = setUp({}, { limits: { frameBytes: 200 } });
    gateway.handle('a.b', () => 'taken');
    await start();
    // 60 characters of three bytes each, and the rest of the message.
    await expect(client.call('a.b', '汉'.repeat(60))).rejects.toMatchObject({ name: 'FRAME_TOO_LARGE' });
    await expect(client.call('a.b', 'a'.repeat(60))).resolves.toBe('taken');
    expect(client.state.status).toBe('connected');
  });

  it('is refused when its data is no JSON', async () => {
    const { client, start } = setUp();
    await start();
    await expect(client.call('a.b', { n: 1n })).rejects.toMatchObject({ name: 'INVALID_ARGUMENT' });
  });

  it('ends with CLOSED when the client is closed', async () => {
    const { gateway, client, start } = setUp();
    await start();
    gateway.link.close(4503, 'REMOVED');
    await gateway.settled();
    await expect(client.call('a.b')).rejects.toMatchObject({ name: 'CLOSED' });
  });

  it('[PR-24] reports errors that answer nothing', async () => {
    const { gateway, errors, start } = setUp();
    await start();
    gateway.link.send({ type: 'error', ...new ImError('RATE_LIMITED').toBody() });
    await gateway.settled();
    expect(errors.splice(0)).toMatchObject([{ name: 'RATE_LIMITED' }]);
  });
});
