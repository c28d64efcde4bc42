/**
 * What conversations cost on LMDB, in one process: filling a chat group, writing to it, and the list of somebody who is in many. Run
 * after a build:
 *
 *   node apps/workers/bench/conversations.mjs [members] [groups]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createMemoryBroadcast } from '@im/broadcast/memory';
import { CONNECTION_HEADER } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import { noMetrics, silentLogger } from '@im/protocol/ports';
import { createServiceClient } from '@im/rpc';
import { createMemoryRpc } from '@im/rpc/memory';
import { openIdSource } from '@im/timeline';
import { openLmdbLogStore } from '@im/timeline/lmdb';
import { conversationDefinition, createWorkers } from '@im/workers';

const [members = 5_000, groups = 200] = process.argv.slice(2).map(Number);
const FREE = { perSecond: 1e6, burst: 1e9 };
const folder = mkdtempSync(path.join(tmpdir(), 'im-bench-'));
let appends = 0;
const log = await openLmdbLogStore({ path: folder });
const { records } = log;
const counted = Object.assign(Object.create(log), {
  append(...entry) {
    appends += 1;
    return log.append(...entry);
  },
  appendMany(logs, entry) {
    appends += logs.length;
    return log.appendMany(logs, entry);
  },
});
const rpc = createMemoryRpc();
const broadcast = createMemoryBroadcast({ sequencer: counted });
const ids = await openIdSource({ records });
const workers = await createWorkers({
  worker: rpc.createWorker(),
  publisher: broadcast.createPublisher(),
  ...{ log, records, ids },
  online: { count: async () => 0, has: async () => false, page: async () => ({ members: [] }) },
  version: '1',
  rates: { message: FREE, unanswered: FREE, change: FREE, mark: FREE, look: FREE },
  ...{ clock: systemClock, logger: silentLogger, metrics: noMetrics },
});
const caller = rpc.createCaller();
const as = (user) => {
  const connection = { user, gateway: 'g', session: 's', device: 'd', platform: 'web', sequence: 1, claims: {} };
  return createServiceClient(conversationDefinition, caller, { headers: { [CONNECTION_HEADER]: connection } });
};
let keys = 0;
const key = () => ({ key: `k${++keys}` });

async function timed(what, count, run) {
  appends = 0;
  const waits = [];
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await run(async (call) => {
    const calledAt = performance.now();
    await call();
    waits.push(performance.now() - calledAt);
  });
  const seconds = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  waits.sort((a, b) => a - b);
  const quantile = (q) => (waits[Math.floor((waits.length - 1) * q)] ?? 0).toFixed(1);
  const figures = [
    `${(count / seconds).toFixed(0)}/s`,
    `p50 ${quantile(0.5)} ms`,
    `p99 ${quantile(0.99)} ms`,
    `${((user + system) / count).toFixed(0)} µs of processor time each`,
    `${(appends / count).toFixed(2)} appends each`,
  ];
  console.log(`${what}: ${figures.join(', ')}`);
}

const ann = as('ann');
const { conversation } = await ann.create({ name: 'large' }, key());
await timed(`inviting ${members} members, 100 a call`, members, async (call) => {
  for (let from = 1; from < members; from += 100) {
    const users = Array.from({ length: Math.min(100, members - from) }, (_, index) => `u${from + index}`);
    await call(() => ann.invite({ conversation, users }));
  }
});
await timed(`messages to ${members} members, one after the other`, 500, async (call) => {
  for (let count = 0; count < 500; count += 1) await call(() => ann.send({ conversation, text: 'hello' }, key()));
});
await timed(`messages to ${members} members, 64 at once`, 6_400, async (call) => {
  const writer = async (_, index) => {
    for (let count = 0; count < 100; count += 1) {
      await call(() => as(`u${index + 1}`).send({ conversation, text: 'hello' }, key()));
    }
  };
  await Promise.all(Array.from({ length: 64 }, writer));
});
await timed('messages between two, 64 at once', 6_400, async (call) => {
  const writer = async (_, index) => {
    for (let count = 0; count < 100; count += 1)
      await call(() => as(`u${index}`).send({ to: 'bob', text: 'hi' }, key()));
  };
  await Promise.all(Array.from({ length: 64 }, writer));
});
for (let count = 1; count < groups; count += 1) await ann.create({ name: `${count}`, members: ['bob'] }, key());
const list = (user) => async (call) => {
  for (let count = 0; count < 50; count += 1) await call(() => as(user).list());
};
await timed(`list of somebody in ${groups} groups`, 50, list('ann'));
await timed(`list of somebody in ${groups - 1} groups, with 64 conversations of two`, 50, list('bob'));
await timed('history, 50 entries in the middle', 500, async (call) => {
  for (let count = 0; count < 500; count += 1) await call(() => ann.history({ conversation, before: 3_000 }));
});

await workers.close();
ids.close();
await rpc.close();
await broadcast.close();
await log.close();
rmSync(folder, { recursive: true });
