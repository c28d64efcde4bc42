import { FakeClock } from '@im/protocol/testing';
import { describe, expect, it } from 'vitest';
import type { ClientOptions, TokenRequest } from '../options.js';
import { createCredentials } from './credentials.js';

const signal = new AbortController().signal;
/** Token functions are asked in a turn of their own. */
const turn = () => Promise.resolve();

/** A token function whose answers the test gives. */
function asked() {
  const requests: (TokenRequest & { answer(token: string): void; fail(error: Error): void })[] = [];
  const token = (request: TokenRequest) =>
    new Promise<string>((answer, fail) => void requests.push({ ...request, answer, fail }));
  return { requests, token };
}

const reconnect = { minMs: 500, maxMs: 30_000 };
const create = (options: Partial<Pick<ClientOptions, 'url' | 'token'>>, clock = new FakeClock()) =>
  createCredentials({ url: 'wss://a', token: 'ann', reconnect, ...options }, clock);

describe('addresses', () => {
  it('takes the next of a list at each attempt', async () => {
    const { address } = create({ url: ['wss://a', 'wss://b'] });
    expect([await address(1, signal), await address(1, signal), await address(2, signal)]).toEqual([
      'wss://a',
      'wss://b',
      'wss://a',
    ]);
  });

  it('asks a function for each attempt, with its number and the signal of the attempt', async () => {
    const { address } = create({ url: (request) => `wss://${request.attempt}-${request.signal === signal}` });
    expect([await address(1, signal), await address(2, signal)]).toEqual(['wss://1-true', 'wss://2-true']);
  });
});

describe('tokens', () => {
  it('keeps a token until a new one is wanted, and says why it asks', async () => {
    const { requests, token } = asked();
    const credentials = create({ token });
    const first = credentials.token();
    await turn();
    requests[0]?.answer('t1');
    expect(await first).toBe('t1');
    expect(await credentials.token()).toBe('t1');
    expect(credentials.renew('expired')).toBe(true);
    const second = credentials.token();
    await turn();
    requests[1]?.answer('t2');
    expect(await second).toBe('t2');
    expect(requests.map(({ reason }) => reason)).toEqual(['connect', 'expired']);
  });

  it('cannot renew a token that is a string', async () => {
    const credentials = create({ token: 'ann' });
    expect(credentials.renew('expired')).toBe(false);
    expect(await credentials.token()).toBe('ann');
  });

  it('asks once for all who wait, so that a slow answer is still used', async () => {
    const { requests, token } = asked();
    const clock = new FakeClock();
    const credentials = create({ token }, clock);
    const waiting = [credentials.token(), credentials.token()];
    await turn();
    clock.advance(59_000);
    waiting.push(credentials.token());
    expect(requests).toHaveLength(1);
    requests[0]?.answer('slow');
    expect(await Promise.all(waiting)).toEqual(['slow', 'slow', 'slow']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('gives a function up that has not answered for a minute, and asks anew', async () => {
    const { requests, token } = asked();
    const clock = new FakeClock();
    const credentials = create({ token }, clock);
    void credentials.token();
    await turn();
    clock.advance(60_000);
    expect(requests[0]?.signal.aborted).toBe(true);
    const second = credentials.token();
    await turn();
    requests[0]?.answer('of an aborted request');
    requests[1]?.answer('t2');
    expect(await second).toBe('t2');
    expect(await credentials.token()).toBe('t2');
    expect(clock.pendingTimers).toBe(0);
  });

  it('asks again after a failure, and fails like the function, also when it throws at once', async () => {
    let calls = 0;
    const credentials = create({
      token: () => {
        calls++;
        throw new Error(`no token ${calls}`);
      },
    });
    await expect(credentials.token()).rejects.toThrow('no token 1');
    await expect(credentials.token()).rejects.toThrow('no token 2');
  });

  it('aborts what is being fetched', async () => {
    const { requests, token } = asked();
    const clock = new FakeClock();
    const credentials = create({ token }, clock);
    void credentials.token();
    await turn();
    credentials.abort();
    expect(requests[0]?.signal.aborted).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });
});
