import { ImError } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import { FakeClock } from '@im/protocol/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PushClient } from '../push-client.js';
import { createHttpPushClient, type HttpPushClientOptions } from './http-push-client.js';

const URL_OF_ENDPOINT = 'http://push.test/v1/push';
const TOKEN = 'a-token-of-some-length';
const gift = { event: 'gift', data: { n: 1 }, lane: 'priority' } as const;
const chat = { event: 'chat', data: 'hi' } as const;

interface Sent {
  url: string;
  init: RequestInit;
  push: Record<string, unknown>;
}

let clock: FakeClock;
let sent: Sent[];
/** What the network does with each request, in order; the last is repeated. */
let outcomes: ((init: RequestInit) => Response | Promise<Response>)[];
let client: PushClient;

const fetch: typeof globalThis.fetch = async (url, init = {}) => {
  sent.push({ url: String(url), init, push: JSON.parse(String(init.body ?? null)) as Record<string, unknown> });
  const outcome = outcomes.length > 1 ? outcomes.shift() : outcomes[0];
  if (outcome === undefined) throw new Error('the test said nothing of this request');
  return outcome(init);
};

const published = () => Response.json({ published: [{ group: 'r:1', epoch: 'e1', version: 1 }], failed: {} });
const refused =
  (error: ImError, status = 503, headers = {}) =>
  () =>
    Response.json({ error: error.toBody() }, { status, headers });
const cut = () => {
  throw new TypeError('fetch failed');
};
const silence = (init: RequestInit) =>
  new Promise<Response>((_, reject) => {
    init.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error));
  });

function open(options: Partial<HttpPushClientOptions> = {}): PushClient {
  return createHttpPushClient({ url: URL_OF_ENDPOINT, token: TOKEN, fetch, clock, random: () => 0.5, ...options });
}

/** Lets the client go on through all its pauses. */
async function settle<T>(push: Promise<T>): Promise<T> {
  let done = false;
  const end = () => {
    done = true;
  };
  push.then(end, end);
  await vi.waitFor(
    () => {
      clock.advance(1_000);
      expect(done).toBe(true);
    },
    { interval: 1 },
  );
  return push;
}

beforeEach(() => {
  clock = new FakeClock();
  sent = [];
  outcomes = [published];
  client = open();
});

afterEach(async () => {
  await client.close();
  expect(clock.pendingTimers).toBe(0);
});

describe('the HTTP push client', () => {
  it('posts the push with its token', async () => {
    expect(await client.toRoom('1', { ...gift, id: 'g-1' }, { acknowledge: 'durable' })).toEqual({
      group: 'r:1',
      epoch: 'e1',
      version: 1,
    });
    expect(sent).toMatchObject([
      {
        url: URL_OF_ENDPOINT,
        init: {
          method: 'POST',
          redirect: 'manual',
          headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
        },
      },
    ]);
    expect(sent[0]?.push).toEqual({
      to: { group: 'r:1' },
      event: 'gift',
      data: { n: 1 },
      lane: 'priority',
      id: 'g-1',
      acknowledge: 'durable',
    });
  });

  it('asks for receipts beside the url of pushes, with its token, and repeats what is retryable', async () => {
    outcomes = [refused(new ImError('UNAVAILABLE')), () => Response.json({ of: 3, delivered: 1 })];
    const asking = open({ product: 'p1' });
    expect(await settle(asking.receiptOf('../ö &1'))).toEqual({ of: 3, delivered: 1, isComplete: false });
    expect(sent.map(({ url }) => url)).toEqual(
      Array.from({ length: 2 }, () => 'http://push.test/v1/receipts?id=..%2F%C3%B6+%261&product=p1'),
    );
    const { method, redirect, headers, body } = sent[0]?.init ?? {};
    expect([method, redirect, headers, body]).toEqual([
      ...['GET', 'manual'],
      { authorization: `Bearer ${TOKEN}` },
      undefined,
    ]);
    outcomes = [() => Response.json({ of: '3' })];
    await expect(settle(asking.receiptOf('1'))).rejects.toMatchObject({ name: 'INVALID_ARGUMENT' });
    outcomes = [refused(new ImError('RECEIPT_UNKNOWN'), 404)];
    await expect(settle(asking.receiptOf('1'))).rejects.toMatchObject({ name: 'RECEIPT_UNKNOWN' });
    await asking.close();
  });

  it.each<Partial<HttpPushClientOptions>>([
    { url: 'push.test' },
    { url: 'ftp://push.test/' },
    { token: '' },
    { token: 'two words' },
    { token: 'line\nbreak' },
  ])('cannot be made with %j', (broken) => {
    expect(() => open(broken)).toThrow(expect.objectContaining({ name: 'INVALID_ARGUMENT' }));
  });

  it('gives priority messages an id of their own, and normal ones none', async () => {
    await client.toRoom('1', gift);
    await client.toRoom('1', gift);
    await client.toRoom('1', chat);
    const ids = sent.map(({ push }) => push.id);
    expect(ids).toEqual([expect.any(String), expect.any(String), undefined]);
    expect(ids[0]).not.toBe(ids[1]);
  });

  it.each<[string, (init: RequestInit) => Response | Promise<Response>]>([
    ['a lost connection', cut],
    ['an endpoint that says it could not', refused(new ImError('STORE_UNAVAILABLE'))],
    ['a proxy without a server', () => new Response('<html>', { status: 502 })],
  ])('repeats a priority message with the same id after %s', async (_, outcome) => {
    outcomes = [outcome, outcome, published];
    expect(await settle(client.toRoom('1', gift))).toMatchObject({ version: 1 });
    expect(sent).toHaveLength(3);
    expect(new Set(sent.map(({ push }) => push.id)).size).toBe(1);
  });

  it('repeats a priority message that was not answered in time', async () => {
    outcomes = [silence, published];
    const push = client.toRoom('1', gift);
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    clock.advance(4_999);
    expect(sent).toHaveLength(1);
    expect(await settle(push)).toMatchObject({ version: 1 });
    expect(sent).toHaveLength(2);
  });

  it.each<[string, (init: RequestInit) => Response | Promise<Response>, string]>([
    ['a lost connection', cut, 'DISCONNECTED'],
    ['a store that may have taken it', refused(new ImError('STORE_UNAVAILABLE')), 'STORE_UNAVAILABLE'],
    ['no answer in time', silence, 'TIMEOUT'],
  ])('does not repeat a normal message after %s', async (_, outcome, name) => {
    outcomes = [outcome];
    await expect(settle(client.toRoom('1', chat))).rejects.toMatchObject({ name, retryable: true });
    expect(sent).toHaveLength(1);
  });

  it('gives up an answer that does not end, and its connection', async () => {
    let given = 0;
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        given += 1;
        // So that a reader without a bound fails rather than runs for ever.
        if (given > 100) controller.close();
        else controller.enqueue(new Uint8Array(1_048_576).fill(0x20));
      },
      cancel() {
        cancelled = true;
      },
    });
    outcomes = [() => new Response(endless)];
    await expect(client.toRoom('1', chat)).rejects.toMatchObject({ name: 'DISCONNECTED' });
    expect(cancelled).toBe(true);
    expect(given).toBeLessThan(20);
    expect(sent[0]?.init.signal?.aborted).toBe(true);
  });

  it('repeats a normal message when nothing was taken', async () => {
    outcomes = [refused(new ImError('QUEUE_FULL'), 429), published];
    await settle(client.toRoom('1', chat));
    expect(sent).toHaveLength(2);
  });

  it.each<[string, () => Response, string]>([
    ['a refused token', refused(new ImError('UNAUTHORIZED'), 401), 'UNAUTHORIZED'],
    ['an error of the application', refused(ImError.application(1_001, 'NO_ROOM'), 500), 'NO_ROOM'],
    ['a page that is no endpoint', () => new Response('<html>', { status: 404 }), 'INVALID_ARGUMENT'],
    ['a page that answers anything', () => new Response('<html>'), 'INVALID_ARGUMENT'],
    ['JSON of another kind', () => Response.json({ ok: true }), 'INVALID_ARGUMENT'],
    ['a redirect', () => new Response(null, { status: 307, headers: { location: '/' } }), 'INVALID_ARGUMENT'],
    ['a gate before it', () => new Response('', { status: 403 }), 'UNAUTHORIZED'],
    ['a proxy that takes less', () => new Response('', { status: 413 }), 'BODY_TOO_LARGE'],
  ])('fails at once after %s', async (_, outcome, name) => {
    outcomes = [outcome];
    await expect(client.toRoom('1', gift)).rejects.toMatchObject({ name });
    expect(sent).toHaveLength(1);
  });

  it('gives up after its retries, with the last error', async () => {
    outcomes = [cut, cut, refused(new ImError('STORE_UNAVAILABLE'))];
    client = open({ retries: 2 });
    await expect(settle(client.toRoom('1', gift))).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
    expect(sent).toHaveLength(3);
  });

  it('waits longer each time, with jitter, and as long as the endpoint asks', async () => {
    const delays: number[] = [];
    const noting: Clock = {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after(delayMs, run) {
        delays.push(delayMs);
        return clock.after(delayMs, run);
      },
    };
    client = open({ clock: noting, timeoutMs: 7_777 });
    outcomes = [cut, cut, refused(new ImError('QUEUE_FULL'), 429, { 'retry-after': '2' }), published];
    await settle(client.toRoom('1', gift));
    expect(delays.filter((delayMs) => delayMs !== 7_777)).toEqual([150, 200, 2_000]);
  });

  it('does not repeat what it was told of each user', async () => {
    const failed = { 'u:bob': new ImError('STORE_UNAVAILABLE').toBody() };
    outcomes = [() => Response.json({ published: [{ group: 'u:ann' }], failed })];
    const answer = await client.toUsers(['ann', 'bob'], gift);
    expect(answer.published).toEqual([{ group: 'u:ann' }]);
    expect(answer.failed.get('u:bob')).toMatchObject({ name: 'STORE_UNAVAILABLE', retryable: true });
    expect(sent).toMatchObject([{ push: { to: { users: ['ann', 'bob'] } } }]);
  });

  it('refuses more pushes at once than it may have on their way', async () => {
    client = open({ maxPending: 2 });
    outcomes = [silence];
    const waiting = [1, 2].map(() => client.toRoom('1', chat));
    await expect(client.toRoom('1', chat)).rejects.toMatchObject({ name: 'QUEUE_FULL', retryable: true });
    const failed = { status: 'rejected', reason: { name: 'TIMEOUT' } };
    expect(await settle(Promise.allSettled(waiting))).toMatchObject([failed, failed]);
    outcomes = [published];
    await client.toRoom('1', chat);
  });

  it('does not begin a pause when it was closed while the answer came', async () => {
    outcomes = [
      () => {
        void client.close();
        return refused(new ImError('STORE_UNAVAILABLE'))();
      },
    ];
    await expect(client.toRoom('1', gift)).rejects.toMatchObject({ name: 'CLOSED' });
  });

  it('takes many pushes at once without a warning of leaked listeners', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => void warnings.push(warning);
    process.on('warning', onWarning);
    await Promise.all(Array.from({ length: 50 }, () => client.toRoom('1', chat)));
    // Warnings are emitted in a tick of their own.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });

  it('ends what is on its way with CLOSED when it closes, whether it waits for an answer or for its next attempt', async () => {
    outcomes = [cut, silence];
    const pausing = client.toRoom('1', gift);
    await vi.waitFor(() => expect(clock.pendingTimers).toBe(1), { interval: 1 });
    const waiting = client.toRoom('1', gift);
    const failures = Promise.allSettled([pausing, waiting]);
    await vi.waitFor(() => expect(sent).toHaveLength(2));
    await client.close();
    expect(await failures).toMatchObject([{ reason: { name: 'CLOSED' } }, { reason: { name: 'CLOSED' } }]);
    expect(sent).toHaveLength(2);
  });
});
