/**
 * Appends a second to the Redis store, each writer in a group of its own, one append at a time, as fast as they are
 * acknowledged; then one body to 10,000 logs. Takes the Redis at the url, where it leaves logs under the prefix `im-bench`.
 * Run after a build:
 *
 *   node packages/timeline/bench/redis-append.mjs [url] [seconds] [writers …]
 */
import { createRedisLogStore } from '@im/timeline/redis';
import { appendRate } from './append-rate.mjs';

const [url = 'redis://127.0.0.1:6379', ...numbers] = process.argv.slice(2);
const [seconds = 5, ...writerCounts] = numbers.map(Number);

const store = createRedisLogStore({ url, prefix: 'im-bench' });
await store.ready();

for (const writers of writerCounts.length > 0 ? writerCounts : [1, 64, 512]) {
  process.stdout.write(`redis append, ${await appendRate(store, writers, seconds)}\n`);
}

const groups = Array.from({ length: 10_000 }, (_, user) => `u:${user}`);
for (let round = 0; round < 3; round += 1) {
  const startedAt = performance.now();
  const entry = {
    id: `many-${Date.now()}`,
    event: 'message',
    body: new Uint8Array(1_000).fill(round),
    time: Date.now(),
  };
  const outcomes = await store.appendMany(groups, entry);
  const failed = [...outcomes.values()].filter((outcome) => outcome instanceof Error).length;
  const ms = Math.round(performance.now() - startedAt);
  process.stdout.write(`redis appendMany, 10,000 logs, 1,000 bytes: ${ms} ms, ${failed} failed\n`);
}
await store.close();
