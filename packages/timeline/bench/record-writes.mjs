/**
 * Writes of records a second, each writer one at a time, of a random person among 100,000, as fast as they are acknowledged: on LMDB, or
 * in the Redis at a url, where it leaves records under the prefix `im-bench`. Run after a build:
 *
 *   node packages/timeline/bench/record-writes.mjs [lmdb|redis://…] [seconds] [writers …]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openLmdbLogStore } from '@im/timeline/lmdb';
import { createRedisLogStore } from '@im/timeline/redis';

const OWNERS = 100_000;
const FILLED_AT_A_TIME = 500;

const [place = 'lmdb', ...numbers] = process.argv.slice(2);
const [seconds = 5, ...writerCounts] = numbers.map(Number);

const folder = mkdtempSync(path.join(tmpdir(), 'im-bench-'));
const store =
  place === 'lmdb' ? await openLmdbLogStore({ path: folder }) : createRedisLogStore({ url: place, prefix: 'im-bench' });
if (place !== 'lmdb') await store.ready();
const body = new Uint8Array(60).fill(0x61);
const write = (owner) => store.records.write(`u:${owner}`, [{ field: 'c.d:0123456789abcdef', body }]);

for (let from = 0; from < OWNERS; from += FILLED_AT_A_TIME) {
  await Promise.all(Array.from({ length: FILLED_AT_A_TIME }, (_, index) => write(from + index)));
}

for (const writers of writerCounts.length > 0 ? writerCounts : [1, 64, 512]) {
  const waits = [];
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1_000;
  await Promise.all(
    Array.from({ length: writers }, async () => {
      while (performance.now() < endsAt) {
        const sentAt = performance.now();
        await write(Math.floor(Math.random() * OWNERS));
        waits.push(performance.now() - sentAt);
      }
    }),
  );
  const rate = Math.round((waits.length / (performance.now() - startedAt)) * 1_000);
  const sorted = Float64Array.from(waits).sort();
  const quantile = (q) => sorted[Math.floor(q * (sorted.length - 1))].toFixed(2);
  const times = `p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms`;
  process.stdout.write(`${place}, ${writers} writers of records: ${rate}/s, ${times}\n`);
}
await store.close();
rmSync(folder, { recursive: true });
