import { fork } from 'node:child_process';
import { createZeromqBroker, createZeromqRpc } from '@im/rpc/zeromq';

const role = process.argv[2];
if (role === 'broker') {
  const b = await createZeromqBroker({ callers: 'tcp://127.0.0.1:*', workers: 'tcp://127.0.0.1:*' });
  process.send({ callers: b.callersAddress, workers: b.workersAddress });
  setInterval(() => {
    const rss0 = process.memoryUsage().rss / 1e6;
    gc();
    const m = process.memoryUsage();
    console.log(
      Math.round(process.uptime()),
      'rss',
      rss0.toFixed(0),
      'heap',
      (m.heapUsed / 1e6).toFixed(2),
      'ext',
      (m.external / 1e6).toFixed(1),
    );
  }, 15000);
  process.on('disconnect', () => process.exit());
} else if (role === 'worker') {
  const rpc = createZeromqRpc({ brokers: [JSON.parse(process.argv[3])] });
  await rpc
    .createWorker()
    .serve({ name: 'e', version: '1', methods: ['m'], handle: async ({ body }) => ({ body, headers: {} }) });
  process.on('disconnect', () => process.exit());
} else {
  const child = fork(new URL(import.meta.url), ['broker'], { execArgv: ['--expose-gc'] });
  const address = await new Promise((r) => child.once('message', r));
  fork(new URL(import.meta.url), ['worker', JSON.stringify(address)]);
  const rpc = createZeromqRpc({ brokers: [address] });
  const c = rpc.createCaller();
  const body = Buffer.from('{"room":"10000","text":"a message of sixty bytes, as JSON"}');
  setInterval(() => {
    for (let i = 0; i < 75; i++) c.call('e', 'm', body).catch(() => {});
  }, 5);
  setTimeout(() => process.exit(), 660_000);
}
