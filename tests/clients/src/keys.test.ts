/** Brokers with keys, and the clients that can speak CURVE. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createCurveKeys, createZeromqBroker, type ZeromqBroker } from '@im/rpc/zeromq';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CallerProcess, WorkerProcess } from './client-process.js';
import { languages } from './language.js';

let folder: string;
let broker: ZeromqBroker;
const processes: { end(signal: NodeJS.Signals): Promise<number | null> }[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'im-client-keys-'));
  const [own, peer, stranger] = [createCurveKeys(), createCurveKeys(), createCurveKeys()];
  for (const [name, keys] of Object.entries({ peer, stranger })) {
    await writeFile(path.join(folder, `${name}.json`), JSON.stringify({ ...keys, brokerKey: own.publicKey }));
  }
  const ports = 'tcp://127.0.0.1:*';
  broker = await createZeromqBroker({ callers: ports, workers: ports, keys: { ...own, allowed: [peer.publicKey] } });
});

afterEach(async () => {
  await Promise.all(processes.splice(0).map((process) => process.end('SIGKILL')));
  await broker.close();
  await rm(folder, { recursive: true, force: true });
});

const speakers = languages('').filter(({ name }) => name !== 'go');

it.each(speakers)('$name calls and serves with keys that the broker knows, and not with others', async (language) => {
  const keys = (name: string) => path.join(folder, `${name}.json`);
  const start = <Process extends { end(signal: NodeJS.Signals): Promise<number | null> }>(
    process: Process,
  ): Process => {
    processes.push(process);
    return process;
  };
  start(new WorkerProcess(language.worker, 'kept', [broker.workersAddress], keys('peer')));
  const known = start(new CallerProcess(language.caller, [broker.callersAddress], keys('peer')));
  const ask = { service: 'kept', method: 'echo', input: 1, timeoutMs: 10_000 };
  expect(await known.ask(ask)).toMatchObject({ value: 1 });

  for (const unknown of [keys('stranger'), undefined]) {
    const caller = start(new CallerProcess(language.caller, [broker.callersAddress], unknown));
    expect(await caller.ask({ ...ask, timeoutMs: 500 })).toMatchObject({
      error: { name: 'DEADLINE_EXCEEDED', details: { handedOut: false } },
    });
  }
});
