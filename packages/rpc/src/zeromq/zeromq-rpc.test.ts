import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import { Context } from 'zeromq';
import type { Rpc } from '../rpc.js';
import { describeRpcContract, type RpcContractOptions } from '../testing/index.js';
import { createZeromqBroker, createZeromqRpc } from './index.js';

const folders: string[] = [];
let used = 0;

afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

async function compose(
  addresses: { callers: string; workers: string },
  options: RpcContractOptions,
  context?: Context,
): Promise<Rpc> {
  const broker = await createZeromqBroker({ ...options, ...addresses, graceMs: 0, context });
  const rpc = createZeromqRpc({
    ...options,
    context,
    brokers: [{ callers: broker.callersAddress, workers: broker.workersAddress }],
  });
  return {
    createCaller: () => rpc.createCaller(),
    createWorker: () => rpc.createWorker(),
    close: async () => {
      await rpc.close();
      await broker.close();
    },
  };
}

describeRpcContract('zeromq over tcp', (options) =>
  compose({ callers: 'tcp://127.0.0.1:*', workers: 'tcp://127.0.0.1:*' }, options),
);

describeRpcContract('zeromq over ipc', async (options) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'im-rpc-'));
  folders.push(folder);
  return compose({ callers: `ipc://${folder}/callers`, workers: `ipc://${folder}/workers` }, options);
});

const context = new Context();
describeRpcContract('zeromq over inproc', (options) => {
  const name = `inproc://contract-${used++}`;
  return compose({ callers: `${name}-callers`, workers: `${name}-workers` }, options, context);
});
