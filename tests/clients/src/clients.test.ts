/** Every language calls every language, through a real broker. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createZeromqBroker, createZeromqRpc, type ZeromqBroker } from '@im/rpc/zeromq';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Ask, type Asker, CallerProcess, type Outcome, WorkerProcess } from './client-process.js';
import { languages, prepareLanguages } from './language.js';
import { NodeAsker, serveInNode } from './node-client.js';

const others = languages('').map(({ name }) => name);
const everybody = ['node', ...others];
const pairs = everybody.flatMap((caller) =>
  everybody.filter((worker) => caller !== 'node' || worker !== 'node').map((worker) => [caller, worker] as const),
);

let binaries: string;
let broker: ZeromqBroker;
const processes: { end(signal: NodeJS.Signals): Promise<number | null> }[] = [];
const workers = new Map<string, WorkerProcess>();
const callers = new Map<string, Asker>();
let rpc: ReturnType<typeof createZeromqRpc>;

const open = (ports = 'tcp://127.0.0.1:*') => createZeromqBroker({ callers: ports, workers: ports });

function startWorker(language: string, service: string, ...addresses: string[]): WorkerProcess {
  const found = languages(binaries).find(({ name }) => name === language);
  if (found === undefined) throw new Error(language);
  const worker = new WorkerProcess(found.worker, service, addresses);
  processes.push(worker);
  return worker;
}

function startCaller(language: string, ...addresses: string[]): CallerProcess {
  const found = languages(binaries).find(({ name }) => name === language);
  if (found === undefined) throw new Error(language);
  const caller = new CallerProcess(found.caller, addresses);
  processes.push(caller);
  return caller;
}

function askOf(caller: string): (ask: Ask) => Promise<Outcome> {
  return (ask) => {
    const asker = callers.get(caller);
    if (asker === undefined) throw new Error(caller);
    return asker.ask(ask);
  };
}

/** Once it is served: brokers wait for workers only in their first seconds. */
async function served(asker: Asker, service: string): Promise<void> {
  await waitFor(async () => {
    expect(await asker.ask({ service, method: 'echo', input: 1 })).toMatchObject({ value: 1 });
  });
}

const waitFor = <Value>(condition: () => Promise<Value> | Value): Promise<Value> =>
  vi.waitFor(condition, { timeout: 20_000, interval: 20 });

beforeAll(async () => {
  binaries = await mkdtemp(path.join(tmpdir(), 'im-clients-'));
  await prepareLanguages(binaries);
  broker = await open();
  const { callersAddress, workersAddress } = broker;
  rpc = createZeromqRpc({ brokers: [{ callers: callersAddress, workers: workersAddress }] });
  await serveInNode(rpc, 'in-node');
  const node = new NodeAsker(rpc);
  callers.set('node', node);
  for (const name of others) {
    workers.set(name, startWorker(name, `in-${name}`, workersAddress));
    callers.set(name, startCaller(name, callersAddress));
  }
  for (const name of others) await served(node, `in-${name}`);
});

afterAll(async () => {
  await Promise.all(processes.map((process) => process.end('SIGKILL')));
  await rpc.close();
  await broker.close();
  await rm(binaries, { recursive: true, force: true });
});

describe.each(pairs)('a caller in %s and a worker in %s', (caller, worker) => {
  const service = `in-${worker}`;
  const ask = askOf(caller);

  it('understand each other’s values and headers', async () => {
    const input = { text: 'Zoë \u0000 🎈 "', list: [1, 1.5, null, true, []], deep: { a: { b: 'c' } } };
    const headers = { user: 'ann', deep: { list: [1, 'é'] } };
    expect(await ask({ service, method: 'echo', input, headers })).toEqual({ value: input, headers });
    expect(await ask({ service, method: 'echo' })).toEqual({ value: null, headers: {} });
    const large = 'x'.repeat(900_000);
    expect((await ask({ service, method: 'echo', input: large })).value).toBe(large);
  });

  it('hand on trace, idempotency key and routing key', async () => {
    const trace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const key = `${caller}-é`;
    expect(await ask({ service, method: 'trace', trace, key, route: 'room 1' })).toMatchObject({
      value: [trace, key, 'room 1'],
    });
  });

  it('tell errors by code, and no secrets', async () => {
    expect(await ask({ service, method: 'soldOut' })).toEqual({
      error: { code: 1001, name: 'SOLD_OUT', message: 'sold out', retryable: true, details: { left: 0 } },
    });
    const failed = await ask({ service, method: 'fail' });
    expect(failed).toMatchObject({ error: { code: 303, name: 'INTERNAL', retryable: false } });
    expect(JSON.stringify(failed)).not.toContain('secret');
    expect(await ask({ service, method: 'nothing' })).toMatchObject({ error: { code: 301 } });
    expect(await ask({ service: 'nobody', method: 'echo', timeoutMs: 5_000 })).toMatchObject({ error: { code: 300 } });
  });

  it('answer in parts, of which many are on their way', async () => {
    expect(await ask({ service, method: 'count', input: 200, stream: true })).toMatchObject({
      value: 200,
      parts: Array.from({ length: 200 }, (_, part) => part),
    });
    expect(await ask({ service, method: 'count', input: 1 })).toMatchObject({ error: { code: 7 } });
  });

  it('end a call at its deadline, on both sides', async () => {
    const before = workers.get(worker)?.lines.filter((line) => line === 'cancelled').length ?? 0;
    expect(await ask({ service, method: 'hang', timeoutMs: 100 })).toMatchObject({
      error: { code: 304, name: 'DEADLINE_EXCEEDED', retryable: true, details: { handedOut: true } },
    });
    await workers.get(worker)?.said('cancelled', before + 1);
  });
});

describe.each(others)('a worker in %s', (language) => {
  const service = `of-${language}`;

  it('answers calls of one idempotency key once', async () => {
    const ask = askOf('node');
    const once = { service: `in-${language}`, method: 'once' };
    const first = await ask({ ...once, key: 'a' });
    expect(await ask({ ...once, key: 'a' })).toEqual(first);
    expect(await ask({ ...once, key: 'b' })).not.toEqual(first);
  });

  it('is replaced when it is killed, and a call that may not be repeated is lost', async () => {
    const node = new NodeAsker(rpc);
    const both = [1, 2].map(() => startWorker(language, service, broker.workersAddress));
    const pids = new Set<unknown>();
    await waitFor(async () => {
      pids.add((await node.ask({ service, method: 'pid', timeoutMs: 1_000 })).value);
      expect(both.every(({ child }) => pids.has(child.pid))).toBe(true);
    });

    const repeated = node.ask({ service, method: 'slow', input: 1_000, idempotent: true });
    const first = await waitFor(() => {
      const busy = both.find(({ lines }) => lines.includes('slow'));
      if (busy === undefined) throw new Error('nobody is busy');
      return busy;
    });
    await first.end('SIGKILL');
    expect(await repeated).toMatchObject({ value: 'done' });

    const [left] = both.filter((each) => each !== first);
    const lost = node.ask({ service, method: 'slow', input: 20_000 });
    await left?.said('slow', 2);
    await left?.end('SIGKILL');
    expect(await lost).toMatchObject({ error: { code: 308, name: 'CALL_LOST' } });
  });

  it('answers what it has when it is told to end, and takes nothing more', async () => {
    const node = new NodeAsker(rpc);
    const name = `ending-${language}`;
    const worker = startWorker(language, name, broker.workersAddress);
    await served(node, name);
    const last = node.ask({ service: name, method: 'slow', input: 500 });
    await worker.said('slow');
    const code = worker.end('SIGTERM');
    expect(await last).toMatchObject({ value: 'done' });
    expect(await code).toBe(0);
    expect(worker.lines).toContain('drained');
    expect(await node.ask({ service: name, method: 'echo', timeoutMs: 5_000 })).toMatchObject({ error: { code: 306 } });
  });
});

describe.each(others)('with several brokers, %s', (language) => {
  it('goes on with those that live, and comes back to one that was restarted', async () => {
    const first = await open();
    let second = await open();
    const { callersAddress, workersAddress } = second;
    const worker = startWorker(language, 'both', first.workersAddress, workersAddress);
    const caller = startCaller(language, first.callersAddress, callersAddress);
    const ask = (): Promise<Outcome> => caller.ask({ service: 'both', method: 'echo', input: 1, idempotent: true });
    try {
      for (let call = 0; call < 4; call++) expect(await ask()).toMatchObject({ value: 1 });
      await second.close();
      for (let call = 0; call < 4; call++) expect(await ask()).toMatchObject({ value: 1 });
      second = await createZeromqBroker({ callers: callersAddress, workers: workersAddress });
      const rpc = createZeromqRpc({ brokers: [{ callers: callersAddress, workers: workersAddress }] });
      await served(new NodeAsker(rpc), 'both');
      await rpc.close();
      await first.close();
      for (let call = 0; call < 4; call++) expect(await ask()).toMatchObject({ value: 1 });
      await worker.end('SIGTERM');
    } finally {
      await Promise.all([first.close(), second.close()]);
    }
  });
});
