/**
 * A million calls for a service without workers, as fast as one process makes them: what becomes of them, and of the broker's
 * memory. `node packages/rpc/bench/flood.mjs [calls]`, after `npm run build`.
 */
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createZeromqBroker, createZeromqRpc } from '@im/rpc/zeromq';

const CALLS = Number(process.argv[2] ?? 1_000_000);
const IN_FLIGHT = 50_000;
const say = (line) => process.stdout.write(`${line}\n`);
const BODY = Buffer.from(JSON.stringify({ room: '10000', text: 'hello there, everybody who is here' }));

if (process.send !== undefined) {
  const broker = await createZeromqBroker({ callers: 'tcp://127.0.0.1:*', workers: 'tcp://127.0.0.1:*' });
  process.send({ callers: broker.callersAddress, workers: broker.workersAddress });
  process.on('disconnect', () => process.exit());
} else {
  const child = fork(new URL(import.meta.url));
  const address = await new Promise((resolve) => child.once('message', resolve));
  const residentMb = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;
  const rpc = createZeromqRpc({ brokers: [address] });
  const caller = rpc.createCaller({ maxOpenCalls: IN_FLIGHT });
  await caller.call('$broker', 'services', Buffer.from('null'), { timeoutMs: 5_000 });
  // What is known is waited for: a service that has had a worker, and has lost it.
  const worker = rpc.createWorker();
  const served = await worker.serve({
    name: 'gone',
    version: '1',
    methods: ['do'],
    handle: async () => ({ body: BODY, headers: {} }),
  });
  await caller.call('gone', 'do', BODY);
  await served.drain();
  const before = residentMb();
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, residentMb());
  }, 100);
  for (const service of ['never-there', 'gone']) {
    const outcomes = new Map();
    const began = performance.now();
    let made = 0;
    const loop = async () => {
      while (made < CALLS / 2) {
        made += 1;
        const outcome = await caller.call(service, 'do', BODY, { timeoutMs: 2_000 }).then(
          () => 'answered',
          (error) => error.name,
        );
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, loop));
    const seconds = ((performance.now() - began) / 1_000).toFixed(1);
    say(`${service}: ${JSON.stringify(Object.fromEntries(outcomes))} in ${seconds} s`);
  }
  clearInterval(watch);
  say(`broker: ${before.toFixed(0)} MB before, at most ${most.toFixed(0)} MB, ${residentMb().toFixed(0)} MB after`);
  child.disconnect();
  await rpc.close();
}
