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
import { appendRate } from './append-rate.mjs';

const [seconds = 5, ...writerCounts] = process.argv.slice(2).map(Number);

for (const writers of writerCounts.length > 0 ? writerCounts : [1, 64, 512]) {
  const folder = mkdtempSync(path.join(tmpdir(), 'im-bench-'));
  const store = await openLmdbLogStore({ path: folder });
  process.stdout.write(`lmdb append, ${await appendRate(store, writers, seconds)}\n`);
  await store.close();
  rmSync(folder, { recursive: true });
}
