/** Owns: appends a second of one store, each writer in a group of its own, one append at a time, as fast as they are acknowledged. */

/** @returns {Promise<string>} as a line shows it */
export async function appendRate(store, writers, seconds) {
  const waits = [];
  const body = new Uint8Array(150).fill(0x61);
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1_000;
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let count = 0; performance.now() < endsAt; count += 1) {
        const sentAt = performance.now();
        // A store that is used again knows the ids of the last time.
        const id = `${Math.round(startedAt)}-${writer}-${count}`;
        await store.append(`d:${writer}`, { id, event: 'message', body, time: Date.now() });
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
  return `${writers} writers: ${rate}/s, p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms, ${micros} CPU µs each`;
}
