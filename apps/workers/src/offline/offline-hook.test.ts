// With a real HTTP server that fails, hangs and comes back.
import { getEventListeners } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createMemoryBroadcast } from '@im/broadcast/memory';
import { systemClock } from '@im/protocol/clock';
import { FakeClock, RecordingLogger, RecordingMetrics } from '@im/protocol/testing';
import { decodeJson } from '@im/rpc';
import { createMemoryRpc } from '@im/rpc/memory';
import { createMemoryLogStore, createMemoryRecordStore } from '@im/timeline/memory';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { OfflineSink } from './offline-event.js';
import { OfflineHook, type OfflineHookOptions, type OfflineMessage } from './offline-hook.js';
import { createOfflineServiceSink } from './offline-service-sink.js';
import { createWebhook, SIGNATURE_HEADER, signatureOf } from './webhook.js';

const RETENTION = { maxEntries: 1_000, maxBytes: 1_048_576, maxAgeMs: 3_600_000 };
const SECRET = 'a secret of more than thirty-two characters';

interface Request {
  readonly body: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

class Backend {
  readonly requests: Request[] = [];
  /** What it answers; `hang`: nothing. */
  answer: number | 'hang' = 200;
  readonly #server: Server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      this.requests.push({ body, headers: request.headers });
      if (this.answer !== 'hang') response.writeHead(this.answer, { location: '/elsewhere' }).end('thanks');
    });
  });

  async start(port = 0): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get events() {
    return this.requests.map(({ body }) => JSON.parse(body));
  }
}

let backend: Backend;
let hook: OfflineHook | undefined;
afterEach(async () => {
  await hook?.close(0);
  await backend.stop();
});

/** An outbox in memory. */
function outboxOf(clock: FakeClock): OfflineHookOptions['outbox'] {
  const log = createMemoryLogStore({ retention: { default: RETENTION }, clock });
  const ports = { clock, logger: new RecordingLogger(), metrics: new RecordingMetrics() };
  const publisher = createMemoryBroadcast({ sequencer: log, ...ports }).createPublisher();
  return { publisher, log, records: createMemoryRecordStore({ clock }) };
}

async function setUp({ preview = true, connected = [] as string[] } = {}) {
  const clock = new FakeClock();
  const metrics = new RecordingMetrics();
  backend = new Backend();
  const port = await backend.start();
  const users = {
    sessionsOf: async (userGroup: string) => {
      if (userGroup === 'u:unknown') throw new Error('away');
      return connected.includes(userGroup) ? [{}] : [];
    },
  };
  const sinks = [createWebhook({ url: `http://127.0.0.1:${port}/offline`, secret: SECRET, clock })];
  hook = new OfflineHook({
    ...{ users, sinks, preview, clock, metrics, concernOf, outbox: outboxOf(clock) },
    random: () => 0.5,
    logger: new RecordingLogger(),
  });
  return { clock, metrics, hook, port };
}

const concernOf: OfflineHookOptions['concernOf'] = async (_message, user) =>
  user === 'unknown' ? Promise.reject(new Error('no idea')) : { muted: user === 'dan', unread: 7 };
const message = (id: string, to: readonly string[], text = 'hi'): OfflineMessage => ({
  id,
  to: to.map((user) => [user, 0] as const),
  conversation: 'd:both',
  version: 3,
  from: { user: 'ann', name: 'Ann' },
  at: 1_790_000_000_000,
  text,
});
/** Everything that a signal knows of others, wherever it keeps it. */
const heldBy = (signal: AbortSignal): number =>
  Object.getOwnPropertySymbols(signal)
    .map((symbol) => (signal as unknown as Record<symbol, { readonly size?: number } | undefined>)[symbol]?.size ?? 0)
    .reduce((sum, size) => sum + size, getEventListeners(signal, 'abort').length);
const received = (count: number) => vi.waitFor(() => expect(backend.requests).toHaveLength(count));

/** Lets time pass until the backend got so many. */
async function passTime(clock: FakeClock, count: number): Promise<void> {
  await vi.waitFor(() => {
    clock.advance(1_000);
    expect(backend.requests.length).toBeGreaterThanOrEqual(count);
  });
}

describe('the offline hook', () => {
  it('tells of who is not connected, with all that a mobile push needs, signed', async () => {
    const { hook, clock } = await setUp({ connected: ['u:bob', 'p1/u:cat'] });
    await hook.message(message('m1', ['bob', 'cat', 'unknown', 'dan'], 'x'.repeat(300)));
    await hook.message({ ...message('m2', ['cat', 'bob']), product: 'p1' });
    await received(3);
    const byUser = Object.fromEntries(backend.events.map((event) => [`${event.product ?? ''}${event.user}`, event]));
    expect(byUser).toEqual({
      cat: {
        id: 'm1',
        user: 'cat',
        conversation: 'd:both',
        version: 3,
        from: { user: 'ann', name: 'Ann' },
        at: 1_790_000_000_000,
        preview: 'x'.repeat(100),
        unread: 7,
      },
      unknown: expect.not.objectContaining({ unread: expect.anything() }),
      p1bob: expect.objectContaining({ id: 'm2', product: 'p1', preview: 'hi' }),
    });
    for (const { body, headers } of backend.requests) {
      const time = Math.floor(clock.now() / 1_000);
      expect(headers[SIGNATURE_HEADER]).toBe(`t=${time},v1=${signatureOf(SECRET, time, body)}`);
      const { id, user } = JSON.parse(body);
      expect(headers['im-event-id']).toBe(`${id}.${user}`);
    }
    expect(signatureOf(SECRET, 1, 'x')).not.toBe(signatureOf(SECRET, 2, 'x'));
  });

  it('tells nothing of the text where that is not allowed', async () => {
    const { hook } = await setUp({ preview: false });
    await hook.message(message('m1', ['bob'], 'secret'));
    await received(1);
    expect(backend.requests[0]?.body).not.toContain('secret');
  });

  it('goes on in order, nothing left out, when the server failed, hung, was gone and came back', async () => {
    const { hook, clock, metrics, port } = await setUp();
    backend.answer = 503;
    for (const id of ['m1', 'm2', 'm3']) await hook.message(message(id, ['bob']));
    await passTime(clock, 2);
    backend.answer = 'hang';
    const failed = backend.requests.length;
    await passTime(clock, failed + 1);
    await backend.stop();
    const before = backend.events.map(({ id }) => id);
    expect(new Set(before)).toEqual(new Set(['m1']));
    backend = new Backend();
    await backend.start(port);
    await passTime(clock, 3);
    expect(backend.events.map(({ id }) => id)).toEqual(['m1', 'm2', 'm3']);
    const told = () => metrics.value('im_workers_offline_told_total', { sink: 'webhook' });
    await vi.waitFor(() => expect(told()).toBe(3));
  });

  it('gives up what the server refuses, and follows no redirect', async () => {
    const { hook, metrics } = await setUp();
    backend.answer = 307;
    await hook.message(message('m1', ['bob']));
    await received(1);
    const refused = () => metrics.value('im_workers_offline_lost_total', { sink: 'webhook', reason: 'refused' });
    await vi.waitFor(() => expect(refused()).toBe(1));
    backend.answer = 200;
    await hook.message(message('m2', ['bob']));
    await received(2);
    expect(backend.events.map(({ id }) => id)).toEqual(['m1', 'm2']);
  });

  it('lets nobody who is connected take room while a sink hangs', async () => {
    await setUp();
    const clock = new FakeClock();
    const metrics = new RecordingMetrics();
    const sessionsOf = vi.fn(async (group: string) => (group.startsWith('u:on') ? [{}] : []));
    const hanging: OfflineSink = {
      name: 'hanging',
      tell: (_event, closing) => new Promise((resolve) => closing.addEventListener('abort', () => resolve())),
    };
    hook = new OfflineHook({
      ...{
        users: { sessionsOf },
        sinks: [hanging],
        preview: false,
        clock,
        metrics,
        concernOf,
        outbox: outboxOf(clock),
      },
      random: () => 0.5,
      logger: new RecordingLogger(),
    });
    const users = (kind: string, count: number) => Array.from({ length: count }, (_, index) => `${kind}${index}`);
    await hook.message(message('m0', users('off', 40)));
    for (let index = 1; index < 4; index++) await hook.message(message(`m${index}`, users('on', 100)));
    await vi.waitFor(() => expect(sessionsOf).toHaveBeenCalledTimes(340));
    await vi.waitFor(() =>
      expect([
        metrics.value('im_workers_offline_waiting', { sink: 'presence' }),
        metrics.value('im_workers_offline_waiting', { sink: 'hanging' }),
      ]).toEqual([0, 40]),
    );
    const closing = hook.close(0);
    await vi.waitFor(() => expect(clock.pendingTimers).toBe(1));
    clock.advance(1);
    await closing;
  });

  it('is refused with a secret that is too short', async () => {
    await setUp();
    expect(() => createWebhook({ url: 'http://127.0.0.1/', secret: 'short', clock: systemClock })).toThrow(
      expect.objectContaining({ name: 'CONFIG_INVALID' }),
    );
  });

  it('is refused with a user or a password in its URL, which requests cannot have', async () => {
    await setUp();
    for (const url of ['http://user:pass@127.0.0.1/', 'http://user@127.0.0.1/'])
      expect(() => createWebhook({ url, secret: SECRET, clock: systemClock })).toThrow(
        expect.objectContaining({ name: 'CONFIG_INVALID' }),
      );
  });

  it('is refused with a URL that is none', async () => {
    await setUp();
    for (const url of ['', 'example.org/offline', 'ftp://127.0.0.1/'])
      expect(() => createWebhook({ url, secret: SECRET, clock: systemClock })).toThrow(
        expect.objectContaining({ name: 'CONFIG_INVALID' }),
      );
  });

  it('leaves nothing of what it told at the signal by which it ends', async () => {
    const { port, clock } = await setUp();
    const webhook = createWebhook({ url: `http://127.0.0.1:${port}/`, secret: SECRET, clock });
    const closing = new AbortController();
    const { to: _to, text: _text, ...event } = message('m1', []);
    const kept: number[] = [];
    for (let times = 0; times < 3; times += 1) {
      await webhook.tell({ ...event, user: 'bob' }, closing.signal);
      kept.push(heldBy(closing.signal));
    }
    expect(new Set(kept).size).toBe(1);
    closing.abort();
    await expect(webhook.tell({ ...event, user: 'bob' }, closing.signal)).rejects.toMatchObject({
      name: 'UNAVAILABLE',
    });
    expect(backend.requests).toHaveLength(3);
  });

  it('tells a service as well, by a method that no client can call', async () => {
    await setUp();
    const rpc = createMemoryRpc();
    const told: unknown[] = [];
    await rpc.createWorker().serve({
      name: 'mobile',
      version: '1',
      methods: ['$offline'],
      async handle({ body }) {
        told.push(decodeJson(body));
        return { body: new Uint8Array(0), headers: {} };
      },
    });
    const sink = createOfflineServiceSink({ caller: rpc.createCaller(), service: 'mobile' });
    const { text: _text, to: _to, ...event } = message('m1', []);
    await sink.tell({ ...event, user: 'bob' }, new AbortController().signal);
    expect(told).toMatchObject([{ id: 'm1', user: 'bob' }]);
    await rpc.close();
  });
});
