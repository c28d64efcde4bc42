import { FakeClock } from '@im/protocol/testing';
import { describe, expect, it } from 'vitest';
import { setUp } from '../testing/fixture.js';
import { routedBy } from './index.js';

type Answer = { addresses?: unknown; maxAgeMs?: unknown; backoff?: unknown } | number | Error;

/** Answers of balancers by host; what has none is away. */
function fakeBalancers(answers: Record<string, Answer>) {
  const asked: string[] = [];
  const clock = new FakeClock();
  const ask = async (url: string, { signal }: { signal: AbortSignal }): Promise<Response> => {
    signal.throwIfAborted();
    asked.push(url);
    const answer = answers[new URL(url).host] ?? new Error('away');
    if (answer instanceof Error) throw answer;
    return typeof answer === 'number' ? new Response('', { status: answer }) : Response.json(answer);
  };
  const options = { fetch: ask as typeof fetch, clock };
  const { signal } = new AbortController();
  const reconnect = { minMs: 500, maxMs: 30_000 };
  return { answers, asked, clock, options, signal, reconnect };
}

const route = { addresses: ['wss://a/', 'wss://b/'], maxAgeMs: 30_000 };

describe('routedBy', () => {
  it('gives the addresses in the order of the balancer, and asks again when all have failed', async () => {
    const { options, asked, answers, signal, reconnect } = fakeBalancers({ one: route });
    const url = routedBy('https://one', options);
    expect([await url({ attempt: 1, signal, reconnect }), await url({ attempt: 2, signal, reconnect })]).toEqual([
      'wss://a/',
      'wss://b/',
    ]);
    expect(asked).toEqual(['https://one/v1/route']);
    answers.one = { addresses: ['wss://c/'], maxAgeMs: 30_000 };
    expect(await url({ attempt: 3, signal, reconnect })).toBe('wss://c/');
  });

  it('begins with the first again once a connection held, and asks again when the answer is old', async () => {
    const { options, asked, clock, signal, reconnect } = fakeBalancers({ one: route });
    const url = routedBy('https://one', options);
    await url({ attempt: 1, signal, reconnect });
    clock.advance(29_999);
    expect(await url({ attempt: 1, signal, reconnect })).toBe('wss://a/');
    expect(asked).toHaveLength(1);
    clock.advance(1);
    expect(await url({ attempt: 1, signal, reconnect })).toBe('wss://a/');
    expect(asked).toHaveLength(2);
  });

  it('asks the next balancer when one is away, fails or makes no sense', async () => {
    for (const bad of [new Error('away'), 503, {}, { addresses: [] }, { addresses: [1, null] }, { addresses: 'x' }]) {
      const { options, asked, signal, reconnect } = fakeBalancers({ one: bad, two: route });
      const url = routedBy(['https://one/', 'https://two/'], options);
      expect(await url({ attempt: 1, signal, reconnect })).toBe('wss://a/');
      expect(asked).toEqual(['https://one/v1/route', 'https://two/v1/route']);
    }
  });

  it('goes on with the addresses it knows while no balancer answers', async () => {
    const { options, answers, clock, signal, reconnect } = fakeBalancers({ one: route });
    const url = routedBy('https://one', options);
    await url({ attempt: 1, signal, reconnect });
    delete answers.one;
    clock.advance(3_600_000);
    const tried = [];
    for (let attempt = 2; attempt <= 5; attempt++) tried.push(await url({ attempt, signal, reconnect }));
    expect(tried).toEqual(['wss://b/', 'wss://a/', 'wss://b/', 'wss://a/']);
  });

  it('fails retryably when it knows no address', async () => {
    const { options, signal, reconnect } = fakeBalancers({});
    await expect(routedBy('https://one', options)({ attempt: 1, signal, reconnect })).rejects.toMatchObject({
      name: 'DISCONNECTED',
      retryable: true,
    });
  });

  it('stops asking when the attempt is given up', async () => {
    const { options, asked, reconnect } = fakeBalancers({});
    const signal = AbortSignal.abort();
    await expect(
      routedBy(['https://one', 'https://two'], options)({ attempt: 1, signal, reconnect }),
    ).rejects.toThrow();
    expect(asked).toEqual([]);
  });

  it('says where the client is', async () => {
    const { options, asked, signal, reconnect } = fakeBalancers({ one: route });
    await routedBy('https://one', { ...options, region: 'eu', carrier: 'a&b' })({ attempt: 1, signal, reconnect });
    expect(asked).toEqual(['https://one/v1/route?region=eu&carrier=a%26b']);
  });

  it('leads a client to a gateway', async () => {
    const { options, asked } = fakeBalancers({ one: { addresses: ['wss://test/'], maxAgeMs: 30_000 } });
    const { client, start } = setUp({ url: routedBy('https://one', options) });
    await start();
    expect([client.state.status, asked.length]).toEqual(['connected', 1]);
  });

  it('delays attempts as the balancer wants, within reason, and as the client was told when it wants nothing', async () => {
    const { options, answers, clock, signal, reconnect } = fakeBalancers({ one: route });
    const url = routedBy('https://one', options);
    const delays = async (backoff: unknown): Promise<object> => {
      answers.one = { ...route, backoff };
      clock.advance(30_000);
      await url({ attempt: 1, signal, reconnect });
      return { ...reconnect };
    };
    for (const nonsense of [undefined, null, 1, {}, { minMs: '1', maxMs: 2 }, { minMs: 1 }]) {
      expect(await delays(nonsense)).toEqual({ minMs: 500, maxMs: 30_000 });
    }
    expect(await delays({ minMs: 2_000, maxMs: 60_000 })).toEqual({ minMs: 2_000, maxMs: 60_000 });
    expect(await delays({ minMs: 0, maxMs: 1e300 })).toEqual({ minMs: 100, maxMs: 600_000 });
    expect(await delays({ minMs: 900, maxMs: 5 })).toEqual({ minMs: 900, maxMs: 900 });
  });

  it('[PR-122] has the client wait as long as the balancer wants before it tries the next gateway', async () => {
    const backoff = { minMs: 7_000, maxMs: 9_000 };
    const { options } = fakeBalancers({ one: { addresses: ['wss://test/'], maxAgeMs: 30_000, backoff } });
    const { client, clock, gateway, start } = setUp({ url: routedBy('https://one', options) });
    await start();
    gateway.link.cut();
    await gateway.settled();
    expect(client.state).toMatchObject({ status: 'waiting', retryAtMs: clock.now() + 7_000 });
  });
});
