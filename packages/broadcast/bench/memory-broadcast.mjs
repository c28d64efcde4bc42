/**
 * Messages a second through the memory engine, from publish to a subscriber's handler. Run after a build:
 *
 *   node packages/broadcast/bench/memory-broadcast.mjs [messages]
 */
import { createMemoryBroadcast } from '@im/broadcast/memory';

const messages = Number(process.argv[2] ?? 500_000);
const body = new Uint8Array(100).fill(0x61);
/** Published in one turn of the event loop. */
const burst = 1_000;

/** Gives versions and keeps nothing: what is measured is the engine. */
const heads = new Map();
const append = (group) => {
  const version = (heads.get(group) ?? 0) + 1;
  heads.set(group, version);
  return { epoch: 'bench', version, duplicate: false };
};
const sequencer = {
  append: async (group) => append(group),
  appendMany: async (groups) => new Map(groups.map((group) => [group, append(group)])),
};

for (const lane of ['normal', 'priority']) {
  for (const groups of [1, 10_000]) {
    const broadcast = createMemoryBroadcast({ sequencer });
    const publisher = broadcast.createPublisher();
    let delivered = 0;
    const subscriber = broadcast.createSubscriber({
      onDelivery: () => {
        delivered += 1;
      },
    });
    for (let group = 0; group < groups; group += 1) subscriber.subscribe(`r:${group}`);
    await subscriber.settled();

    const cpuBefore = process.cpuUsage();
    const startedAt = performance.now();
    for (let sent = 0; sent < messages; sent += burst) {
      const published = Array.from({ length: burst }, (_, index) =>
        publisher.publish(`r:${(sent + index) % groups}`, { lane, event: 'chat', body, time: 1 }),
      );
      await Promise.all(published);
    }
    while (delivered < messages) await new Promise(setImmediate);
    const seconds = (performance.now() - startedAt) / 1_000;
    const cpu = process.cpuUsage(cpuBefore);
    const micros = ((cpu.user + cpu.system) / messages).toFixed(2);
    process.stdout.write(
      `memory broadcast, ${lane}, ${groups} groups: ${Math.round(messages / seconds)}/s, ${micros} CPU µs each\n`,
    );
    await broadcast.close();
  }
}
