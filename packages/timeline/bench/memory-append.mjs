/**
 * Appends a second of the memory store, and what a kept entry costs. Run after a build:
 *
 *   node --expose-gc packages/timeline/bench/memory-append.mjs [appends]
 */
import { createMemoryLogStore } from '@im/timeline/memory';

const appends = Number(process.argv[2] ?? 1_000_000);
const body = new Uint8Array(150).fill(0x61);
const retention = { maxEntries: 1_000, maxBytes: 1_000_000, maxAgeMs: 600_000 };

for (const groups of [1, 10_000]) {
  const store = createMemoryLogStore({ retention: { default: retention }, maxTotalBytes: 2 ** 31 });
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  for (let count = 0; count < appends; count += 1) {
    await store.append(`r:${count % groups}`, { id: `${count}`, event: 'gift', body, time: 1 });
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const cpu = process.cpuUsage(cpuBefore);
  const micros = ((cpu.user + cpu.system) / appends).toFixed(2);
  process.stdout.write(`memory append, ${groups} groups: ${Math.round(appends / seconds)}/s, ${micros} CPU µs each\n`);

  const readAt = performance.now();
  const reads = 10_000;
  for (let count = 0; count < reads; count += 1) await store.read('r:0', { after: 0, limit: 100 });
  const readMicros = (((performance.now() - readAt) * 1_000) / reads).toFixed(2);
  process.stdout.write(`memory read of 100 entries at most: ${readMicros} µs\n`);
  await store.close();
}
