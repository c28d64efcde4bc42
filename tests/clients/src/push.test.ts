/** Every language pushes: over HTTP to a real endpoint, by RPC through a real broker. */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Broadcast } from '@im/broadcast';
import { createMemoryBroadcast } from '@im/broadcast/memory';
import { FakeSequencer, type RecordingSubscriber, subscribeRecording } from '@im/broadcast/testing';
import { ImError } from '@im/protocol';
import { createPushClient, servePush } from '@im/push-client';
import { createPushEndpoint, type PushEndpoint } from '@im/push-client/endpoint';
import { FakeReceipts } from '@im/push-client/testing';
import type { Rpc } from '@im/rpc';
import { createMemoryRpc } from '@im/rpc/memory';
import { createZeromqBroker, createZeromqRpc, type ZeromqBroker } from '@im/rpc/zeromq';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PusherProcess } from './client-process.js';
import { languages } from './language.js';

const TOKEN = 'a-token-of-some-length';
const pushers = languages('').flatMap(({ name, pusher }) => (pusher === undefined ? [] : [[name, pusher] as const]));

describe.each(pushers)('a push client over HTTP in %s', (_, command) => {
  let sequencer: FakeSequencer;
  let broadcast: Broadcast;
  let memory: Rpc;
  let counted: FakeReceipts;
  let members: RecordingSubscriber;
  let endpoint: PushEndpoint;
  let server: Server;
  let pusher: PusherProcess;
  /** Answers the next requests in place of the endpoint. */
  let instead: ((response: ServerResponse) => void)[] = [];
  let requests = 0;

  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/push`;

  beforeAll(async () => {
    server = createServer((request, response) => {
      requests += 1;
      const other = instead.shift();
      if (other === undefined) void endpoint(request, response);
      else other(response);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    pusher = new PusherProcess(command, [url(), TOKEN]);
  });

  afterAll(async () => {
    await pusher.end('SIGKILL');
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  beforeEach(async () => {
    requests = 0;
    instead = [];
    sequencer = new FakeSequencer();
    broadcast = createMemoryBroadcast({ sequencer });
    const groups = ['u:ann', 'u:bob', 'r:1', 'r:0', 'g:team', 'p1/r:1'];
    members = await subscribeRecording(broadcast, ...groups);
    memory = createMemoryRpc();
    counted = new FakeReceipts();
    await counted.serve(memory.createWorker());
    const client = createPushClient({ publisher: broadcast.createPublisher(), receipts: memory.createCaller() });
    endpoint = createPushEndpoint({ client, tokens: [TOKEN] });
  });

  afterEach(async () => {
    await memory.close();
    await broadcast.close();
  });

  const hello = { event: 'hello', data: { text: 'Zoë 🎈 "' } };

  it('reaches a user, a room, a group, everyone, and the room of a product', async () => {
    const all = [{ user: 'ann' }, { room: '1' }, { group: 'g:team' }, { all: true }];
    for (const to of all) expect(await pusher.ask({ to, ...hello })).toMatchObject({ failed: {} });
    await pusher.ask({ to: { room: '1' }, product: 'p1', ...hello });
    expect(members.deliveries.map(({ group }) => group)).toEqual(['u:ann', 'r:1', 'g:team', 'r:0', 'p1/r:1']);
    expect(new Set(members.texts())).toEqual(new Set([JSON.stringify(hello.data)]));
  });

  it('says what may become of normal pushes, and repeats a sum that has an id', async () => {
    const room = { to: { room: '1' } };
    const sum = { mode: 'sum', key: 'like ♥', amount: -3 };
    const latest = { mode: 'latest', key: 'seat-1' };
    instead = [(response) => void response.destroy()];
    await pusher.ask({ ...room, ...hello, id: 'l-1', conflate: sum });
    expect(requests).toBe(2);
    await pusher.ask({ ...room, ...hello, conflate: latest });
    await pusher.ask({ ...room, ...hello, sender: 'Zoë', reserved: true });
    await pusher.ask({ ...room, ...hello, reserved: false });
    expect(members.deliveries.map(({ terms }) => terms)).toEqual([
      { conflate: sum },
      { conflate: latest },
      { sender: 'Zoë', reserved: true },
      { reserved: false },
    ]);
    expect(await pusher.ask({ ...room, ...hello, lane: 'priority', conflate: latest })).toMatchObject({
      error: { name: 'INVALID_ARGUMENT', details: { field: 'conflate' } },
    });
  });

  it('is told the version on the priority lane, and that an id was known', async () => {
    const gift = { to: { room: '1' }, event: 'gift', lane: 'priority', id: 'order-4711', acknowledge: 'durable' };
    const published = { group: 'r:1', epoch: 'e1', version: 1 };
    expect(await pusher.ask(gift)).toMatchObject({ published: [{ ...published, duplicate: false }] });
    expect(await pusher.ask(gift)).toMatchObject({ published: [{ ...published, duplicate: true }] });
    expect(members.versions('r:1')).toEqual([1]);
  });

  it('reaches many users, and is told which it did not reach', async () => {
    sequencer.failOnce(new ImError('STORE_FULL', { retryable: false }), { group: 'u:ann' });
    const news = { to: { users: ['ann', 'bob'] }, event: 'news', lane: 'priority', id: 'news-1' };
    expect(await pusher.ask(news)).toMatchObject({
      published: [{ group: 'u:bob', version: 1 }],
      failed: { 'u:ann': { name: 'STORE_FULL', retryable: false } },
    });
    expect(await pusher.ask(news)).toMatchObject({ published: [{ group: 'u:ann' }, { duplicate: true }], failed: {} });
  });

  it('repeats on the priority lane under one id, whatever became of the first attempts', async () => {
    sequencer.failOnce(new ImError('STORE_UNAVAILABLE'), { afterAppending: true });
    instead = [(response) => void response.destroy()];
    const outcome = await pusher.ask({ to: { room: '1' }, event: 'gift', lane: 'priority' });
    expect(outcome).toMatchObject({ published: [{ version: 1, duplicate: true }] });
    expect(requests).toBe(3);
  });

  it('repeats on the normal lane only what was not taken, and waits as long as it is asked to', async () => {
    const refuse = (name: 'OVERLOADED' | 'STORE_FULL') => (response: ServerResponse) => {
      response.writeHead(429, { 'retry-after': '1' });
      response.end(JSON.stringify({ error: new ImError(name).toBody() }));
    };
    instead = [refuse('OVERLOADED')];
    expect(await pusher.ask({ to: { room: '1' }, ...hello })).toMatchObject({ published: [{ group: 'r:1' }] });
    expect(requests).toBe(2);
    for (const lost of [refuse('STORE_FULL'), (response: ServerResponse) => void response.destroy()]) {
      instead = [lost];
      expect(await pusher.ask({ to: { room: '1' }, ...hello })).toMatchObject({ error: { retryable: true } });
    }
    expect(requests).toBe(4);
  });

  it('fails by code: arguments, tokens, and whoever is no endpoint', async () => {
    expect(await pusher.ask({ to: { room: 'room 1' }, ...hello })).toMatchObject({ error: { code: 400 } });
    expect(await pusher.ask({ to: { room: '1' }, event: '' })).toMatchObject({
      error: { name: 'INVALID_ARGUMENT', details: { field: 'event' } },
    });
    instead = [(response) => void response.writeHead(302, { location: url() }).end()];
    expect(await pusher.ask({ to: { room: '1' }, ...hello })).toMatchObject({
      error: { name: 'INVALID_ARGUMENT', details: { argument: 'url', status: 302 } },
    });
    instead = [(response) => void response.writeHead(200).end('<html>')];
    expect(await pusher.ask({ to: { room: '1' }, ...hello })).toMatchObject({ error: { name: 'INVALID_ARGUMENT' } });
    const stranger = new PusherProcess(command, [url(), 'not-the-token-of-it']);
    try {
      expect(await stranger.ask({ to: { room: '1' }, ...hello })).toMatchObject({ error: { name: 'UNAUTHORIZED' } });
    } finally {
      await stranger.end('SIGKILL');
    }
    expect(members.deliveries).toEqual([]);
  });

  it('asks how many have a push, and waits until enough have it', async () => {
    await proveReceipts(pusher, counted);
    instead = [(response) => void response.destroy()];
    expect(await pusher.ask({ receiptOf: NEWS })).toMatchObject({ of: 2 });
  });

  it('gives up an endpoint that hangs', async () => {
    const held: ServerResponse[] = [];
    instead = [(response) => void held.push(response)];
    expect(await pusher.ask({ to: { room: '1' }, ...hello })).toMatchObject({ error: { retryable: true } });
    for (const response of held) response.destroy();
  });
});

describe.each(pushers)('a push client by RPC in %s', (_, command) => {
  let sequencer: FakeSequencer;
  let broadcast: Broadcast;
  let members: RecordingSubscriber;
  let broker: ZeromqBroker;
  let rpc: ReturnType<typeof createZeromqRpc>;
  let counted: FakeReceipts;
  let pusher: PusherProcess;

  beforeAll(async () => {
    sequencer = new FakeSequencer();
    broadcast = createMemoryBroadcast({ sequencer });
    members = await subscribeRecording(broadcast, 'u:ann', 'u:bob', 'r:1', 'r:0', 'g:team');
    broker = await createZeromqBroker({ callers: 'tcp://127.0.0.1:*', workers: 'tcp://127.0.0.1:*' });
    rpc = createZeromqRpc({ brokers: [{ callers: broker.callersAddress, workers: broker.workersAddress }] });
    counted = new FakeReceipts();
    await counted.serve(rpc.createWorker());
    const client = createPushClient({ publisher: broadcast.createPublisher(), receipts: rpc.createCaller() });
    await servePush({ worker: rpc.createWorker(), client, version: '1' });
    pusher = new PusherProcess(command, [broker.callersAddress]);
  });

  afterAll(async () => {
    await pusher.end('SIGKILL');
    await rpc.close();
    await broker.close();
    await broadcast.close();
  });

  const data = { text: 'Zoë 🎈 "', list: [], large: 9_007_199_254_740_991 };

  it('reaches a user, a room, a group and everyone with the data as it is', async () => {
    const all = [{ user: 'ann' }, { room: '1' }, { group: 'g:team' }, { all: true }];
    for (const to of all) expect(await pusher.ask({ to, event: 'hello', data })).toMatchObject({ failed: {} });
    expect(members.deliveries.map(({ group }) => group)).toEqual(['u:ann', 'r:1', 'g:team', 'r:0']);
    expect(new Set(members.texts())).toEqual(new Set([JSON.stringify(data)]));
  });

  it('is told versions, known ids, and whom it did not reach', async () => {
    sequencer.failOnce(new ImError('STORE_FULL', { retryable: false }), { group: 'u:ann' });
    const news = { to: { users: ['ann', 'bob'] }, event: 'news', lane: 'priority', id: 'news-1' };
    expect(await pusher.ask(news)).toMatchObject({
      published: [{ group: 'u:bob', version: 1 }],
      failed: { 'u:ann': { name: 'STORE_FULL', retryable: false } },
    });
    expect(await pusher.ask(news)).toMatchObject({ published: [{ group: 'u:ann' }, { duplicate: true }], failed: {} });
  });

  it('repeats on the priority lane what failed retryably, under one id', async () => {
    sequencer.failOnce(new ImError('STORE_UNAVAILABLE'), { afterAppending: true });
    const outcome = await pusher.ask({ to: { room: '1' }, event: 'gift', lane: 'priority' });
    expect(outcome).toMatchObject({ published: [{ version: 1, duplicate: true }] });
  });

  it('fails by code', async () => {
    expect(await pusher.ask({ to: { room: 'room 1' }, event: 'hello' })).toMatchObject({ error: { code: 400 } });
    expect(await pusher.ask({ to: { room: '1' }, event: '' })).toMatchObject({
      error: { name: 'INVALID_ARGUMENT', details: { field: 'event' } },
    });
  });

  it('asks how many have a push, and waits until enough have it', () => proveReceipts(pusher, counted));
});

const NEWS = 'news 2/ö?';

async function proveReceipts(pusher: PusherProcess, counted: FakeReceipts): Promise<void> {
  const users = ['cid', 'dan'];
  const news = { to: { users }, event: 'news', lane: 'priority', id: NEWS, receipt: true };
  expect(await pusher.ask(news)).toMatchObject({ published: [{ group: 'u:cid' }, { group: 'u:dan' }] });
  const of = (delivered: number) => ({ of: 2, delivered });
  expect(await pusher.ask({ receiptOf: NEWS })).toMatchObject(of(0));
  expect(await pusher.ask({ receiptOf: NEWS, timeoutMs: 150 })).toMatchObject(of(0));
  const enough = pusher.ask({ receiptOf: NEWS, timeoutMs: 9_000, atLeast: 1 });
  counted.confirm('cid');
  expect(Object.values((await enough) as object)).toEqual([2, 1, true]);
  expect(Object.values((await pusher.ask({ receiptOf: NEWS, timeoutMs: 150 })) as object)).toEqual([2, 1, false]);
  const unknown = { error: { name: 'RECEIPT_UNKNOWN', retryable: false } };
  expect(await pusher.ask({ receiptOf: NEWS, product: 'p1' })).toMatchObject(unknown);
  expect(await pusher.ask({ ...news, lane: 'normal' })).toMatchObject({ error: { details: { field: 'receipt' } } });
}
