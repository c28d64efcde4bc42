/**
 * Flushed appends a second of the LMDB store, each writer in a group of its own, one append at a time, as fast as they
 * are acknowledged. Run after a build:
 *
 *   node packages/timeline/bench/lmdb-append.mjs [seconds] [writers …]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openLmdbLogStore } from '@im/timeline/lmdb';

const [seconds = 5, ...writerCounts] = process.argv.slice(2).map(Number);

for (const writers of writerCounts.length > 0 ? writerCounts : [1, 64, 512]) {
  const folder = mkdtempSync(path.join(tmpdir(), 'im-bench-'));
  const store = await openLmdbLogStore({ path: folder });
  const waits = [];
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1_000;
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      const body = new Uint8Array(150).fill(0x61);
      for (let count = 0; performance.now() < endsAt; count += 1) {
        const sentAt = performance.now();
        await store.append(`d:${writer}`, { id: `${writer}-${count}`, event: 'message', body, time: Date.now() });
        waits.push(performance.now() - sentAt);
      }
    }),
  );
  const elapsed = (performance.now() - startedAt) / 1_000;
  const cpu = process.cpuUsage(cpuBefore);
  const sorted = Float64Array.from(waits).sort();
  const quantile = (q) => sorted[Math.floor(q * (sorted.length - 1))].toFixed(2);
  const rate = Math.round(waits.length / elapsed);
  const micros = ((cpu.user + cpu.system) / waits.length).toFixed(1);
  process.stdout.write(
    `lmdb append, ${writers} writers: ${rate}/s flushed, p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms, ${micros} CPU µs each\n`,
  );
  await store.close();
  rmSync(folder, { recursive: true });
}
