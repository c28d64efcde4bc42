/**
 * `node bench/pubsub-broadcast.mjs redis://127.0.0.1:6379 [groups] [seconds]`, or `nats://…`: normal messages of 100 bytes from
 * one process to another, to as many groups in turns, and the latency of lone ones. Needs the build (`npm run build`).
 */
import { fork } from 'node:child_process';
import { createNatsBroadcast } from '../dist/nats.js';
import { createRedisBroadcast } from '../dist/redis.js';

const [url = 'redis://127.0.0.1:6379', groups = '1', seconds = '5'] = process.argv.slice(2);
const names = Array.from({ length: Number(groups) }, (_, index) => `r:${index}`);
const sequencer = {
  append: async () => ({ epoch: 'e', version: 1, duplicate: false }),
  appendMany: async () => new Map(),
};
const broadcast = await (url.startsWith('nats')
  ? createNatsBroadcast({ nats: url, sequencer })
  : createRedisBroadcast({ redis: url, sequencer }));
const body = new Uint8Array(100).fill(120);
const publication = () => ({ lane: 'normal', event: 'chat', body, time: Date.now() });

if (process.send === undefined) await measure();
else await publish();

async function publish() {
  const publisher = broadcast.createPublisher();
  const until = Date.now() + Number(seconds) * 1_000;
  let sent = 0;
  while (Date.now() < until) {
    const answers = [];
    // As much as fits: a publisher that asks for answers is paced by them.
    for (let count = 0; count < 5_000; count += 1) {
      answers.push(publisher.publish(names[sent++ % names.length], publication()));
    }
    await Promise.all(answers);
  }
  process.send({ sent });
  await broadcast.close();
  process.disconnect();
}

async function measure() {
  let received = 0;
  let lost = 0;
  let onOne = () => {};
  const subscriber = broadcast.createSubscriber({
    onDelivery: () => {
      received += 1;
      onOne();
    },
    onLoss: (_, count) => {
      lost += count ?? 0;
    },
  });
  for (const name of names) subscriber.subscribe(name);
  await subscriber.settled();
  const started = process.cpuUsage();
  const begun = performance.now();
  const { sent } = await new Promise((resolve) =>
    fork(process.argv[1], process.argv.slice(2)).once('message', resolve),
  );
  await new Promise((resolve) => setTimeout(resolve, 500));
  const took = (performance.now() - begun - 500) / 1_000;
  const { user, system } = process.cpuUsage(started);
  const cpu = ((user + system) / 1_000_000 / took) * 100;
  process.stdout.write(
    `${url} ${groups} groups: ${Math.round(received / took)}/s received of ${sent}, ${lost} lost, subscriber at ${Math.round(cpu)} % CPU\n`,
  );

  const publisher = broadcast.createPublisher();
  const times = [];
  for (let count = 0; count < 2_000; count += 1) {
    const at = performance.now();
    const arrived = new Promise((resolve) => {
      onOne = resolve;
    });
    void publisher.publish(names[0], publication(), { acknowledge: 'none' });
    await arrived;
    times.push(performance.now() - at);
    await new Promise(setImmediate);
  }
  times.sort((a, b) => a - b);
  const [p50, p99] = [0.5, 0.99].map((share) => times[Math.floor(times.length * share)]?.toFixed(3));
  process.stdout.write(`lone messages: p50 ${p50} ms, p99 ${p99} ms\n`);
  await broadcast.close();
}
