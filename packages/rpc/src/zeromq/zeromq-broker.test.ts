/** A broker over real sockets, and peers that are not ours: typed by hand, foreign, deaf, too loud, or without a key. */
import { RecordingLogger, RecordingMetrics } from '@im/protocol/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Dealer, Request } from 'zeromq';
import { failure } from '../testing/contract/contract-fixture.js';
import { callOf, messagesOf, packOf } from '../testing/wire-peer.js';
import { Gatekeeper } from './curve.js';
import {
  createCurveKeys,
  createZeromqBroker,
  createZeromqRpc,
  type ZeromqBroker,
  type ZeromqBrokerOptions,
  type ZeromqRpcOptions,
} from './index.js';

const FREE = 'tcp://127.0.0.1:*';
const WAIT = { timeout: 10_000, interval: 5 };
const GREETER =
  '{"kind":"serve","id":1,"worker":"greeter-1","service":"greeter","version":"1.0.0","methods":["greet"],"concurrency":1}';

const toClose: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

interface Started extends ZeromqBroker {
  readonly metrics: RecordingMetrics;
  readonly logger: RecordingLogger;
}

async function start(options: Partial<ZeromqBrokerOptions> = {}): Promise<Started> {
  const metrics = new RecordingMetrics();
  const logger = new RecordingLogger();
  const broker = await createZeromqBroker({ callers: FREE, workers: FREE, graceMs: 0, metrics, logger, ...options });
  toClose.push(() => broker.close());
  return Object.assign(broker, { metrics, logger });
}

function connect(broker: ZeromqBroker, options: Partial<ZeromqRpcOptions> = {}) {
  const rpc = createZeromqRpc({
    brokers: [{ callers: broker.callersAddress, workers: broker.workersAddress }],
    ...options,
  });
  toClose.push(() => rpc.close());
  return rpc;
}

/** Serves a service that answers what it gets. */
async function echo(broker: ZeromqBroker, name = 'echo', options: Partial<ZeromqRpcOptions> = {}): Promise<void> {
  const handle = async ({ body }: { body: Uint8Array }) => ({ body, headers: {} });
  await connect(broker, options)
    .createWorker()
    .serve({ name, version: '1', methods: ['do'], handle });
}

function dealer(address: string, options = {}): Dealer {
  const socket = new Dealer({ linger: 0, ...options });
  socket.connect(address);
  toClose.push(() => socket.close());
  return socket;
}

async function texts(socket: Dealer): Promise<string[]> {
  return (await socket.receive()).map(String);
}

const hello = (text: string) => Buffer.from(text);

describe('peers typed by hand', () => {
  it('[RP-11] [RP-13] [RP-32] call and serve in a few frames of JSON, as the document shows', async () => {
    const broker = await start();
    const worker = dealer(broker.workersAddress);
    await worker.send(GREETER);
    expect(await texts(worker)).toEqual(['{"kind":"serving","id":1}']);
    const caller = dealer(broker.callersAddress);
    await caller.send([
      '{"kind":"call","id":1,"service":"greeter","method":"greet","timeoutMs":2000}',
      '{"name":"Ann"}',
    ]);
    const [head = '', body] = await texts(worker);
    const { id, ...members } = JSON.parse(head);
    expect(members).toEqual({
      kind: 'call',
      target: 1,
      service: 'greeter',
      method: 'greet',
      timeoutMs: expect.any(Number),
    });
    expect(members.timeoutMs).toBeLessThanOrEqual(2_000);
    expect(body).toBe('{"name":"Ann"}');
    await worker.send([JSON.stringify({ kind: 'reply', id }), '{"text":"Hello, Ann"}']);
    expect(await texts(caller)).toEqual(['{"kind":"reply","id":1}', '{"text":"Hello, Ann"}']);
  });

  it('[RP-12] may be REQ sockets, which send an empty frame in front', async () => {
    const broker = await start();
    await echo(broker);
    const socket = new Request({ linger: 0 });
    toClose.push(() => socket.close());
    socket.connect(broker.callersAddress);
    for (const id of [1, 2]) {
      await socket.send([`{"kind":"call","id":${id},"service":"echo","method":"do"}`, 'hi']);
      expect((await socket.receive()).map(String)).toEqual([`{"kind":"reply","id":${id}}`, 'hi']);
    }
  });

  it('[RP-14] are told what is wrong with a message, with its id if that can be read', async () => {
    const broker = await start();
    const caller = dealer(broker.callersAddress);
    for (const [sent, expected] of [
      ['{"kind":"call","id":7,"service":"a.b","method":"c"}', { id: 7 }],
      ['{nonsense', {}],
    ] as const) {
      await caller.send(sent);
      const { message, details, ...rest } = JSON.parse((await texts(caller))[0] ?? '');
      expect(rest).toEqual({ kind: 'error', ...expected, code: 100, name: 'MALFORMED', retryable: false });
      expect(details.reason).toEqual(expect.any(String));
    }
  });

  it('[RP-13] are spoken to in the form in which they spoke last', async () => {
    const broker = await start();
    await echo(broker);
    const caller = dealer(broker.callersAddress);
    await caller.send('{"kind":"call","id":1,"service":"echo","method":"do"}');
    expect(await texts(caller)).toEqual(['{"kind":"reply","id":1}']);
    await caller.send(packOf(callOf(2)));
    expect(messagesOf(await caller.receive())).toMatchObject([{ kind: 'reply', id: 2 }]);
  });

  it('[RP-40] may say their clock in some messages only', async () => {
    const broker = await start();
    await echo(broker);
    const caller = dealer(broker.callersAddress);
    await caller.send('{"kind":"ping","id":1}');
    await caller.receive();
    await caller.send('{"kind":"call","id":2,"service":"echo","method":"do","sentAtMs":4000000000}');
    expect(await texts(caller)).toEqual(['{"kind":"reply","id":2}']);
  });

  it('[RP-20] learn that nobody serves, that nobody is left, and that nobody has the method', async () => {
    const broker = await start();
    const worker = dealer(broker.workersAddress);
    const caller = dealer(broker.callersAddress);
    const ask = async (method: string): Promise<unknown> => {
      await caller.send(`{"kind":"call","id":1,"service":"greeter","method":"${method}"}`);
      return JSON.parse((await texts(caller))[0] ?? '').name;
    };
    expect(await ask('greet')).toBe('SERVICE_UNKNOWN');
    await worker.send(GREETER);
    await worker.receive();
    expect(await ask('shout')).toBe('METHOD_UNKNOWN');
    await worker.send('{"kind":"drain","id":1}');
    expect(await texts(worker)).toEqual(['{"kind":"drained","id":1}']);
    expect(await ask('greet')).toBe('UNAVAILABLE');
  });

  it('[RP-36] [RP-25] lose what they had when their connection ends, at once', async () => {
    const broker = await start();
    const worker = dealer(broker.workersAddress);
    await worker.send(GREETER);
    await worker.receive();
    const caller = dealer(broker.callersAddress);
    await caller.send('{"kind":"call","id":1,"service":"greeter","method":"greet","timeoutMs":600000}');
    await worker.receive();
    worker.close();
    expect(JSON.parse((await texts(caller))[0] ?? '')).toMatchObject({ id: 1, name: 'CALL_LOST' });
    caller.close();
    await vi.waitFor(() => expect(broker.metrics.value('im_rpc_callers')).toBe(0), WAIT);
    expect(broker.metrics.value('im_rpc_workers')).toBe(0);
  });

  it('[RP-40] have the time taken off that their messages waited on the way', async () => {
    const broker = await start();
    const worker = dealer(broker.workersAddress);
    await worker.send(GREETER);
    await worker.receive();
    const caller = dealer(broker.callersAddress);
    const call = (id: number, sentAtMs: number) =>
      caller.send(
        `{"kind":"call","id":${id},"service":"greeter","method":"greet","timeoutMs":100000,"sentAtMs":${sentAtMs}}`,
      );
    const now = 1_000_000;
    await call(1, now);
    const first = JSON.parse((await texts(worker))[0] ?? '');
    await worker.send(`{"kind":"reply","id":${first.id}}`);
    await texts(caller);
    // Their clock says that it was sent forty seconds before one that has come already.
    await call(2, now - 40_000);
    const second = JSON.parse((await texts(worker))[0] ?? '');
    expect(second.timeoutMs).toBeLessThanOrEqual(60_100);
    expect(second.timeoutMs).toBeGreaterThan(30_000);
    await call(3, now - 200_000);
    expect(JSON.parse((await texts(caller))[0] ?? '')).toMatchObject({
      id: 3,
      name: 'DEADLINE_EXCEEDED',
      details: { handedOut: false },
    });
  });
});

describe('strangers', () => {
  it('[RP-10] [RP-19] send what they like to both ports, and disturb nobody', async () => {
    const broker = await start();
    await echo(broker);
    const caller = connect(broker).createCaller();
    const junk = [
      [''],
      ['', ''],
      ['\x01'],
      ['\x01\0\0\0\0\xff'],
      ['GET / HTTP/1.1\r\n\r\n'],
      ['{"kind":"song","id":1}'],
      ['{"kind":"pong","id":1}'],
      ['{"kind":"refused","id":1}'],
      ['{}'],
      ['x'.repeat(100_000)],
      Array.from({ length: 200 }, () => 'frame'),
    ].map((frames) => frames.map((frame) => Buffer.from(frame, 'latin1')));
    for (const address of [broker.callersAddress, broker.workersAddress]) {
      const stranger = dealer(address);
      for (const frames of junk) await stranger.send(frames);
    }
    for (let call = 0; call < 50; call++) {
      expect(String(Buffer.from((await caller.call('echo', 'do', hello('hi'))).body))).toBe('hi');
    }
    await vi.waitFor(() => expect(broker.metrics.value('im_rpc_malformed_total')).toBeGreaterThan(6), WAIT);
    expect(broker.logger.records.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('[RP-42] lose their connection when a message is larger than any may be, and nobody else does', async () => {
    const broker = await start({ maxBodyBytes: 10_000 });
    await echo(broker);
    const caller = connect(broker).createCaller();
    await caller.call('echo', 'do', hello('hi'));
    const stranger = dealer(broker.callersAddress);
    const ended = new Promise<void>((resolve) => stranger.events.on('disconnect', () => resolve()));
    await stranger.send(Buffer.alloc(4_000_000, 1));
    await ended;
    expect(String(Buffer.from((await caller.call('echo', 'do', hello('hi'))).body))).toBe('hi');
  });

  it('[RP-43] who never read what they are sent cost a bounded memory; what they miss is counted', async () => {
    const broker = await start();
    const blob = Buffer.alloc(200_000, 7);
    const handle = async () => ({ body: blob, headers: {} });
    await connect(broker)
      .createWorker()
      .serve({ name: 'blob', version: '1', methods: ['do'], handle });
    const deaf = dealer(broker.callersAddress, { receiveHighWaterMark: 1, receiveBufferSize: 65_536 });
    const dropped = () => broker.metrics.value('im_rpc_dropped_messages_total', { side: 'callers' });
    for (let id = 0; dropped() === 0; id++) {
      await deaf.send(packOf(callOf(id, { service: 'blob', timeoutMs: 60_000 })));
      if (id % 8 === 0) await vi.waitFor(() => expect(broker.metrics.value('im_rpc_open_calls')).toBe(0), WAIT);
      expect(id).toBeLessThan(2_000);
    }
    const caller = connect(broker).createCaller();
    expect((await caller.call('blob', 'do', new Uint8Array(0))).body.length).toBe(200_000);
  });
});

describe('floods', () => {
  it('[RP-18] [RP-22] of a service without workers are told call by call, and leave nothing', async () => {
    const broker = await start();
    await echo(broker, 'gone');
    await echo(broker, 'well');
    const caller = connect(broker).createCaller();
    await caller.call('gone', 'do', hello(''));
    let told = 0;
    for (let round = 0; round < 20; round++) {
      const calls = Array.from({ length: 2_000 }, () => failure(caller.call('nobody', 'do', hello(''))));
      const others = caller.call('well', 'do', hello('hi'));
      for (const error of await Promise.all(calls)) if ((error as Error).name === 'SERVICE_UNKNOWN') told++;
      await others;
    }
    expect(told).toBe(40_000);
    expect(broker.metrics.value('im_rpc_open_calls')).toBe(0);
  });

  it('larger than a caller may have open end in QUEUE_FULL, and everyone has an answer', async () => {
    const broker = await start({ queueLimit: 100_000 });
    await echo(broker);
    const caller = connect(broker).createCaller();
    await caller.call('echo', 'do', hello(''));
    const outcomes = await Promise.allSettled(
      Array.from({ length: 70_000 }, () => caller.call('echo', 'do', hello('x'), { timeoutMs: 60_000 })),
    );
    const answered = outcomes.filter(({ status }) => status === 'fulfilled').length;
    const refused = outcomes.filter((one) => one.status === 'rejected' && one.reason.name === 'QUEUE_FULL').length;
    expect([answered, refused]).toEqual([65_536, 70_000 - 65_536]);
  });

  it('of large bodies at once never meet a busy socket', async () => {
    const broker = await start();
    await echo(broker);
    const caller = connect(broker).createCaller();
    await caller.call('echo', 'do', hello(''));
    const bodies = Array.from({ length: 60 }, (_, index) => Buffer.alloc(50_000 + index, index));
    const replies = await Promise.all(bodies.map((body) => caller.call('echo', 'do', body)));
    for (const [index, { body }] of replies.entries()) expect(bodies[index]?.equals(body)).toBe(true);
  });
});

describe('keys', () => {
  const ours = createCurveKeys();
  const theirs = createCurveKeys();
  const brokerKeys = createCurveKeys();
  const keys = { ...brokerKeys, allowed: [ours.publicKey] };
  const known = { ...ours, brokerKey: brokerKeys.publicKey };

  async function locked() {
    const broker = await start({ keys });
    await echo(broker, 'echo', { keys: known });
    const caller = connect(broker, { keys: known }).createCaller();
    const call = async () => String(Buffer.from((await caller.call('echo', 'do', hello('hi'))).body));
    return { broker, call };
  }

  it('[RP-41] let those in whom the broker knows', async () => {
    const { call } = await locked();
    expect(await call()).toBe('hi');
  });

  it.each([
    ['no key', {}],
    ['a key that the broker does not know', { ...theirs, brokerKey: brokerKeys.publicKey }],
    ['the key of another broker', { ...ours, brokerKey: theirs.publicKey }],
  ])('[RP-41] keep out who has %s, and let nobody else notice', async (_, wrong) => {
    const { broker, call } = await locked();
    const options = 'brokerKey' in wrong ? { keys: wrong } : {};
    const caller = connect(broker, options).createCaller();
    const kept = failure(caller.call('echo', 'do', hello('hi'), { timeoutMs: 500, idempotent: true }));
    const worker = connect(broker, options).createWorker();
    const serving = failure(
      worker.serve({
        name: 'spy',
        version: '1',
        methods: ['do'],
        handle: async () => ({ body: hello(''), headers: {} }),
      }),
    );
    for (let round = 0; round < 20; round++) expect(await call()).toBe('hi');
    expect(await kept).toMatchObject({ name: 'DEADLINE_EXCEEDED', details: { handedOut: false } });
    expect(broker.metrics.value('im_rpc_callers')).toBe(1);
    expect(broker.metrics.value('im_rpc_workers')).toBe(1);
    await worker.close();
    expect(await serving).toMatchObject({ name: 'CLOSED' });
  });

  it('leave nothing open when they are none', async () => {
    const closed = vi.spyOn(Gatekeeper.prototype, 'close');
    toClose.push(() => closed.mockRestore());
    const wrong = createZeromqBroker({ callers: FREE, workers: FREE, keys: { ...keys, secretKey: 'none' } });
    expect(await failure(wrong)).toBeInstanceOf(Error);
    expect(closed).toHaveBeenCalledTimes(1);
  });

  it('[RP-41] are needed to bind beyond this host, unless insecure is said', async () => {
    for (const address of ['tcp://0.0.0.0:*', 'tcp://*:*', 'tcp://[::]:*', 'tcp://localhost.example.org:*']) {
      expect(await failure(createZeromqBroker({ callers: address, workers: FREE }))).toMatchObject({
        name: 'CONFIG_INVALID',
        details: { address },
      });
    }
    const open = await start({ callers: 'tcp://0.0.0.0:*', insecure: true });
    expect(open.callersAddress).toMatch(/^tcp:\/\/0\.0\.0\.0:\d+$/);
    await start({ callers: 'tcp://0.0.0.0:*', keys });
  });
});
