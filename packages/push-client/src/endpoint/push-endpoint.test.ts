import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Broadcast } from '@im/broadcast';
import { createMemoryBroadcast } from '@im/broadcast/memory';
import { FakeSequencer, type RecordingSubscriber, subscribeRecording } from '@im/broadcast/testing';
import { ImError, MAX_BODY_BYTES } from '@im/protocol';
import { FakeClock, RecordingLogger, RecordingMetrics } from '@im/protocol/testing';
import { createMemoryRpc } from '@im/rpc/memory';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createPushClient } from '../publisher-push-client.js';
import type { PushClient } from '../push-client.js';
import { FakeReceipts } from '../testing/index.js';
import { createPushEndpoint, type PushEndpointOptions } from './index.js';

const TOKEN = 'first-token-0123456789';
const hello = { to: { room: '1' }, event: 'hello', data: { text: 'hi' } };

let clock: FakeClock;
let metrics: RecordingMetrics;
let logger: RecordingLogger;
let sequencer: FakeSequencer;
let broadcast: Broadcast;
let client: PushClient;
let room: RecordingSubscriber;
let server: Server;
let unhandled: boolean[];
/** What is done with a request before the endpoint is asked. */
let before: ((request: IncomingMessage) => Promise<unknown>) | undefined;

beforeEach(async () => {
  clock = new FakeClock();
  metrics = new RecordingMetrics();
  logger = new RecordingLogger();
  sequencer = new FakeSequencer();
  broadcast = createMemoryBroadcast({ sequencer });
  client = createPushClient({ publisher: broadcast.createPublisher(), clock });
  room = await subscribeRecording(broadcast, 'r:1', 'u:ann', 'u:bob');
  await start();
});

afterEach(async () => {
  sequencer.release();
  await stop();
  await client.close();
  await broadcast.close();
  expect(clock.pendingTimers).toBe(0);
});

async function start(options: Partial<PushEndpointOptions> = {}): Promise<void> {
  const endpoint = createPushEndpoint({ client, tokens: [TOKEN], clock, metrics, logger, ...options });
  unhandled = [];
  before = undefined;
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    if (before !== undefined) await before(request);
    const handled = await endpoint(request, response);
    if (handled) return;
    unhandled.push(handled);
    response.writeHead(404).end();
  };
  server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
}

async function stop(): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

async function restart(options: Partial<PushEndpointOptions>): Promise<void> {
  await stop();
  await start(options);
}

const port = () => (server.address() as AddressInfo).port;

interface Answer {
  status: number;
  headers: Headers;
  // Bodies of answers are compared as a whole.
  body: unknown;
}

async function post(body: unknown, init: RequestInit & { path?: string } = {}): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${port()}${init.path ?? '/v1/push'}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...init,
    headers: { authorization: `Bearer ${TOKEN}`, ...init.headers },
  });
  const text = await response.text();
  const isLines = response.headers.get('content-type') === 'application/x-ndjson';
  const lines = text === '' ? [] : isLines ? text.trimEnd().split('\n') : [text];
  const values = lines.map((line) => JSON.parse(line) as unknown);
  return { status: response.status, headers: response.headers, body: isLines ? values : values[0] };
}

describe('the push endpoint', () => {
  it('publishes a push and answers what became of it', async () => {
    expect(await post({ ...hello, lane: 'priority', id: 'm-1', acknowledge: 'durable' })).toMatchObject({
      status: 200,
      body: { published: [{ group: 'r:1', epoch: 'e1', version: 1 }], failed: {} },
    });
    await vi.waitFor(() => expect(room.texts()).toEqual(['{"text":"hi"}']));
    expect(room.deliveries[0]).toMatchObject({ event: 'hello', lane: 'priority', id: 'm-1', time: clock.now() });
  });

  it('publishes bodies without the line breaks and spaces they came with', async () => {
    await post('{\n "to": {"room": "1"},\r\n "event": "hello",\n "data": {\n  "a": [1,\n 2], "b": "x\\ny"\n }\n}');
    await vi.waitFor(() => expect(room.texts()).toEqual(['{"a":[1,2],"b":"x\\ny"}']));
  });

  it('takes whatever content type curl sends, and a query', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    expect(await post(hello, { headers, path: '/v1/push?from=curl' })).toMatchObject({ status: 200 });
  });

  it('leaves other paths to others', async () => {
    for (const path of ['/', '/v1/pushes', '/v1/push/', '/v2/push']) {
      expect(await post(hello, { path })).toMatchObject({ status: 404 });
    }
    expect(unhandled).toEqual([false, false, false, false]);
    expect(metrics.value('im_push_open_requests')).toBe(0);
  });

  it('answers 405 to other methods', async () => {
    const { status, headers } = await post(null, { method: 'GET', body: null });
    expect([status, headers.get('allow')]).toEqual([405, 'POST']);
    const receipts = await post({}, { path: '/v1/receipts' });
    expect([receipts.status, receipts.headers.get('allow')]).toEqual([405, 'GET']);
  });

  it('tells how many have a push that asked, to who has a token', async () => {
    const rpc = createMemoryRpc();
    const counted = new FakeReceipts();
    await counted.serve(rpc.createWorker());
    const publisher = broadcast.createPublisher();
    const asking = createPushClient({ publisher, receipts: rpc.createCaller(), clock });
    await restart({ client: asking });
    const get = (query: string, headers = {}) =>
      post(null, { method: 'GET', body: null, path: `/v1/receipts${query}`, headers });
    const push = { to: { users: ['ann', 'bob'] }, event: 'news', lane: 'priority', id: 'a/b?', receipt: true };
    expect(await post(push)).toMatchObject({ status: 200 });
    counted.confirm('bob');
    expect(await get('?id=a%2Fb%3F')).toMatchObject({ status: 200, body: { of: 2, delivered: 1 } });
    expect(await get('?id=a%2Fb%3F&product=p1')).toMatchObject({ status: 404, body: { error: { code: 508 } } });
    expect(await get('?id=a%2Fb%3F', { authorization: 'Bearer another-token-0123' })).toMatchObject({ status: 401 });
    expect(await get('')).toMatchObject({ status: 400, body: { error: { details: { field: 'id' } } } });
    expect(await get('?id=1&sum=1')).toMatchObject({ status: 400, body: { error: { details: { field: 'sum' } } } });
    await restart({});
    expect(await get('?id=1')).toMatchObject({ status: 501, body: { error: { name: 'RECEIPTS_UNSERVED' } } });
    expect(await post(push)).toMatchObject({ status: 501 });
    await asking.close();
    await rpc.close();
  });
});

describe('who may push', () => {
  it.each([
    ['no header', ''],
    ['another token', 'Bearer first-token-012345678X'],
    ['a part of the token', `Bearer ${TOKEN.slice(0, -1)}`],
    ['more than the token', `Bearer ${TOKEN}0`],
    ['another scheme', `Basic ${TOKEN}`],
    ['no token', 'Bearer '],
  ])('refuses %s with 401 and publishes nothing', async (_, authorization) => {
    const { status, headers, body } = await post(hello, { headers: { authorization } });
    expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect(body).toMatchObject({ error: { code: 200, name: 'UNAUTHORIZED', retryable: false } });
    await post(hello);
    await vi.waitFor(() => expect(room.deliveries).toHaveLength(1));
  });

  it('accepts each of several tokens, so that they can be exchanged one after the other', async () => {
    const second = 'second-token-0123456789';
    await restart({ tokens: [TOKEN, second] });
    for (const token of [TOKEN, second]) {
      expect(await post(hello, { headers: { authorization: `Bearer ${token}` } })).toMatchObject({ status: 200 });
    }
  });

  it('judges each token by itself, whichever came before it', async () => {
    const short = 'short-token-0123';
    await restart({ tokens: [TOKEN, short] });
    const statusWith = async (token: string) =>
      (await post(hello, { headers: { authorization: `Bearer ${token}` } })).status;
    for (const refused of [`${TOKEN}${TOKEN}`, `${short}${TOKEN.slice(short.length)}`, '0']) {
      expect(await statusWith(refused)).toBe(401);
      for (const token of [TOKEN, short]) expect(await statusWith(token)).toBe(200);
    }
  });

  it('refuses everything when no token is configured', async () => {
    await restart({ tokens: [] });
    for (const authorization of [`Bearer ${TOKEN}`, 'Bearer undefined', '']) {
      expect(await post(hello, { headers: { authorization } })).toMatchObject({ status: 401 });
    }
  });

  it.each([[['']], [['short']], [[TOKEN, 'fifteen-letters']]])(
    'does not begin with guessable tokens (%j)',
    (tokens) => {
      expect(() => createPushEndpoint({ client, tokens })).toThrow(expect.objectContaining({ name: 'CONFIG_INVALID' }));
    },
  );

  it('does not begin with a token of two products, or of a product and of all: which it means would be chance', () => {
    const other = 'token-of-p1-0123456789';
    for (const products of [[[TOKEN]], [[other], [other]]]) {
      const holders = products.map((tokens) => ({ client, tokens }));
      expect(() => createPushEndpoint({ client, tokens: [TOKEN], products: holders })).toThrow(
        expect.objectContaining({ name: 'CONFIG_INVALID' }),
      );
    }
  });

  it('refuses before it reads the body', async () => {
    const socket = await rawRequest('POST /v1/push HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{');
    expect(await socket.answer()).toMatch(/^HTTP\/1.1 401 /);
  });
});

describe('what is refused as a whole', () => {
  it.each<[string, unknown, object]>([
    ['no JSON', '{"to":', { name: 'MALFORMED' }],
    ['an empty body', '', { name: 'MALFORMED' }],
    ['no push in an array', [], { name: 'INVALID_ARGUMENT' }],
    ['no object', '7', { name: 'INVALID_ARGUMENT', details: { field: 'push' } }],
    ['no target', { event: 'a' }, { name: 'INVALID_ARGUMENT', details: { field: 'to' } }],
    ['two targets', { ...hello, to: { room: '1', user: 'ann' } }, { details: { field: 'to' } }],
    ['an unknown kind of target', { ...hello, to: { city: 'x' } }, { details: { field: 'to' } }],
    ['a target of the wrong type', { ...hello, to: { room: 1 } }, { details: { field: 'to' } }],
    ['users that are no texts', { ...hello, to: { users: ['ann', 2] } }, { details: { field: 'to' } }],
    ['all that is not true', { ...hello, to: { all: false } }, { details: { field: 'to' } }],
    ['a prototype as target', '{"to":{"__proto__":"ann"},"event":"a"}', { details: { field: 'to' } }],
    ['a room outside the grammar', { ...hello, to: { room: 'a b' } }, { name: 'GROUP_INVALID' }],
    ['no event', { to: hello.to }, { details: { field: 'event' } }],
    ['an event of the system', { ...hello, event: '$kick' }, { details: { field: 'event' } }],
    ['a misspelt member', { ...hello, lan: 'priority' }, { details: { field: 'lan' } }],
    ['null for a lane', { ...hello, lane: null }, { details: { field: 'lane' } }],
    ['an unknown lane', { ...hello, lane: 'fast' }, { details: { field: 'lane' } }],
    ['an id that is no text', { ...hello, id: 7 }, { details: { field: 'id' } }],
    ['an unknown acknowledgement', { ...hello, acknowledge: 'yes' }, { details: { field: 'acknowledge' } }],
    ['a product that is no text', { ...hello, product: 1 }, { details: { field: 'product' } }],
    ['a product outside the grammar', { ...hello, product: 'P1' }, { details: { field: 'product' } }],
  ])('answers 400 to %s', async (_, body, error) => {
    expect(await post(body)).toMatchObject({ status: 400, body: { error } });
  });

  it('lets who has the token of a product reach that product alone', async () => {
    const own = createPushClient({ publisher: broadcast.createPublisher(), product: 'p1', clock });
    const inProduct = await subscribeRecording(broadcast, 'p1/r:1', 'p2/r:1');
    await restart({ products: [{ client: own, tokens: ['token-of-p1-0123456789'] }] });
    const asProduct = { headers: { authorization: 'Bearer token-of-p1-0123456789' } };
    expect(await post(hello, asProduct)).toMatchObject({ status: 200, body: { published: [{ group: 'r:1' }] } });
    expect(await post({ ...hello, product: 'p1' }, asProduct)).toMatchObject({ status: 200 });
    const refusal = { status: 400, body: { error: { name: 'INVALID_ARGUMENT', details: { field: 'product' } } } };
    expect(await post({ ...hello, product: 'p2' }, asProduct)).toMatchObject(refusal);
    expect(await post({ ...hello, to: { group: 'p2/r:1' } }, asProduct)).toMatchObject({ status: 400 });
    expect(await post({ ...hello, product: 'p2' })).toMatchObject({ status: 200 });
    await vi.waitFor(() => expect(inProduct.deliveries).toHaveLength(3));
    expect(inProduct.deliveries.map(({ group }) => group)).toEqual(['p1/r:1', 'p1/r:1', 'p2/r:1']);
    expect(room.deliveries).toEqual([]);
    await own.close();
  });

  it('takes a body that begins with a byte order mark', async () => {
    expect(await post(`\uFEFF${JSON.stringify(hello)}`)).toMatchObject({ status: 200 });
  });

  it('answers 400 to what is not UTF-8', async () => {
    const body = new Uint8Array([
      ...new TextEncoder().encode('{"to":{"room":"1"},"event":"a","data":"'),
      0xff,
      0x22,
      0x7d,
    ]);
    expect(await post('', { body })).toMatchObject({ status: 400, body: { error: { name: 'MALFORMED' } } });
  });

  it('answers 413 to bodies beyond the limit, whether the length is told or not, and takes those at the limit', async () => {
    const text = JSON.stringify(hello);
    await restart({ maxBodyBytes: text.length });
    expect(await post(text)).toMatchObject({ status: 200 });
    expect(await post(`${text} `)).toMatchObject({ status: 413, body: { error: { name: 'BODY_TOO_LARGE' } } });
    const chunked = await rawRequest(
      `POST /v1/push HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n` +
        `${(text.length + 1).toString(16)}\r\n${text} \r\n`,
    );
    expect(await chunked.answer()).toMatch(/^HTTP\/1.1 413 /);
  });

  it('answers 413 to data beyond the limit of a published message', async () => {
    const answer = await post({ ...hello, data: 'x'.repeat(MAX_BODY_BYTES - 1) });
    expect(answer).toMatchObject({ status: 413, body: { error: { details: { field: 'data' } } } });
  });

  it('answers 408 to a body that trickles, and closes', async () => {
    const socket = await rawRequest(
      `POST /v1/push HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Length: 1000\r\n\r\n{`,
    );
    await vi.waitFor(() => expect(clock.pendingTimers).toBe(1));
    clock.advance(6_000);
    socket.write('"');
    clock.advance(4_000);
    expect(await socket.answer()).toMatch(/^HTTP\/1.1 408 /);
    await vi.waitFor(() => expect(metrics.value('im_push_requests_total', { status: '408' })).toBe(1));
  });

  it('survives a requester that goes away', async () => {
    const socket = await rawRequest(
      `POST /v1/push HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Length: 1000\r\n\r\n{`,
    );
    await vi.waitFor(() => expect(metrics.value('im_push_open_requests')).toBe(1));
    socket.destroy();
    await vi.waitFor(() => expect(metrics.value('im_push_open_requests')).toBe(0));
    expect(await post(hello)).toMatchObject({ status: 200 });
  });

  it('answers at once when somebody else has read the body', async () => {
    before = (request) => once(request.resume(), 'end');
    const { status, body } = await post(hello);
    expect(status).toBe(500);
    expect(body).toMatchObject({ error: { message: expect.stringContaining('was read before') } });
  });

  it('does not wait for the body of a requester that has gone before the endpoint was asked', async () => {
    before = (request) => once(request.destroy(), 'close');
    await expect(post(hello)).rejects.toThrow();
    await vi.waitFor(() => expect(metrics.value('im_push_requests_total', { status: '503' })).toBe(1));
    expect(metrics.value('im_push_open_requests')).toBe(0);
  });

  it('answers 429 with Retry-After to more requests at once than it may work on', async () => {
    await restart({ maxOpenRequests: 1 });
    sequencer.hold();
    const first = post({ ...hello, lane: 'priority' });
    await vi.waitFor(() => expect(sequencer.held).toBe(1));
    const { status, headers, body } = await post(hello);
    expect([status, headers.get('retry-after')]).toEqual([429, '1']);
    expect(body).toMatchObject({ error: { name: 'OVERLOADED', retryable: true } });
    sequencer.release();
    expect(await first).toMatchObject({ status: 200 });
  });
});

describe('what fails', () => {
  it.each<[ImError, number, string | null]>([
    [new ImError('QUEUE_FULL'), 429, '1'],
    [new ImError('STORE_UNAVAILABLE'), 503, '1'],
    [new ImError('RATE_LIMITED', { details: { retryAfterMs: 2_500 } }), 429, '3'],
    [new ImError('INTERNAL'), 500, null],
  ])('is answered by its code (%s)', async (error, status, retryAfter) => {
    sequencer.failOnce(error);
    const answer = await post({ ...hello, lane: 'priority' });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([status, retryAfter]);
    expect(answer.body).toEqual({ error: error.toBody() });
  });

  it('shows nothing of an unforeseen error, and logs it', async () => {
    const secret = new Error('password is swordfish');
    await restart({ client: Object.assign(Object.create(client), { toRoom: () => Promise.reject(secret) }) });
    const { status, body } = await post(hello);
    expect(status).toBe(500);
    expect(JSON.stringify(body)).not.toContain('swordfish');
    expect(logger.records).toMatchObject([{ level: 'warn', fields: { name: 'INTERNAL', error: secret } }]);
  });

  it('is told by group for pushes to users, with 200 when any was reached and the failure’s status when none was', async () => {
    const push = { to: { users: ['ann', 'bob'] }, event: 'hello', lane: 'priority' };
    sequencer.failOnce(new ImError('STORE_UNAVAILABLE'), { group: 'u:ann' });
    expect(await post(push)).toMatchObject({
      status: 200,
      body: { published: [{ group: 'u:bob' }], failed: { 'u:ann': { name: 'STORE_UNAVAILABLE', retryable: true } } },
    });
    for (const group of ['u:ann', 'u:bob']) sequencer.failOnce(new ImError('STORE_UNAVAILABLE'), { group });
    const { status, headers, body } = await post(push);
    expect([status, headers.get('retry-after')]).toEqual([503, '1']);
    expect(body).toMatchObject({ published: [], failed: { 'u:ann': {}, 'u:bob': {} } });
  });
});

describe('several pushes at once', () => {
  const pushes = [
    { ...hello, lane: 'priority' },
    { to: { room: 'a b' }, event: 'hello' },
    { ...hello, lane: 'priority' },
  ];
  const answers = [
    { published: [{ group: 'r:1', version: 1 }], failed: {} },
    { error: { name: 'GROUP_INVALID' } },
    { published: [{ group: 'r:1', version: 2 }], failed: {} },
  ];

  it('are answered one by one and in order when they come as an array', async () => {
    expect(await post(pushes)).toMatchObject({ status: 200, body: answers });
    expect(metrics.value('im_push_published_total')).toBe(2);
    expect(metrics.value('im_push_failed_total')).toBe(1);
  });

  it('are answered one a line when they come one a line, empty lines and broken ones included', async () => {
    const lines = [...pushes.map((push) => JSON.stringify(push)), '', '{"to":', '  '].join('\r\n');
    const { status, headers, body } = await post(lines, { headers: { 'content-type': 'application/x-ndjson' } });
    expect([status, headers.get('content-type')]).toEqual([200, 'application/x-ndjson']);
    expect(body).toMatchObject([...answers, { error: { name: 'MALFORMED' } }]);
  });

  it('are published in their order', async () => {
    await post(Array.from({ length: 100 }, (_, data) => ({ ...hello, data })));
    await vi.waitFor(() => expect(room.texts()).toEqual(Array.from({ length: 100 }, (_, data) => `${data}`)));
  });

  it('are refused with 413 when they are too many, and none is published', async () => {
    await restart({ maxPushes: 2 });
    expect(await post(pushes)).toMatchObject({ status: 413, body: { error: { details: { limitPushes: 2 } } } });
    expect(await post(pushes.slice(1))).toMatchObject({ status: 200 });
    await vi.waitFor(() => expect(room.deliveries).toHaveLength(1));
  });
});

/** What HTTP clients would not send. */
async function rawRequest(text: string): Promise<Socket & { answer(): Promise<string> }> {
  const socket = connect(port(), '127.0.0.1');
  let received = '';
  const ended = new Promise<string>((resolve) => {
    socket.on('data', (chunk) => {
      received += String(chunk);
    });
    socket.on('close', () => resolve(received));
  });
  socket.on('error', () => {});
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  socket.write(text);
  return Object.assign(socket, { answer: () => ended });
}
