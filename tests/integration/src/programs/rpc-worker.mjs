/** A worker: `node rpc-worker.mjs <workers>…`. Answers with its process id what it says to have begun. Says `ready`. */
import { setTimeout } from 'node:timers/promises';
import { createZeromqRpc } from '@im/rpc/zeromq';

const brokers = process.argv.slice(2).map((workers) => ({ callers: workers, workers }));
const rpc = createZeromqRpc({ brokers });
await rpc.createWorker().serve({
  name: 'work',
  version: '1',
  methods: ['do'],
  concurrency: 64,
  async handle({ body }) {
    if (body.length > 0) process.stdout.write(`begun ${Buffer.from(body)}\n`);
    await setTimeout(2);
    return { body: Buffer.from(`${process.pid}`), headers: {} };
  },
});
process.stdout.write('ready\n');
