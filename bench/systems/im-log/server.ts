/** W7: a gateway, and the logs that it replays, in LMDB or in Redis; they are written here too. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { userGroup } from '@im/protocol';
import { type Metrics, noMetrics } from '@im/protocol/ports';
import type { LogStore } from '@im/timeline';
import { openLmdbLogStore } from '@im/timeline/lmdb';
import { createRedisLogStore } from '@im/timeline/redis';
import { obeyParent } from '../../src/harness/obey-parent.js';
import { percentile } from '../../src/harness/statistics.js';
import { type LogCommand, type LogReply, userOf } from '../../src/log/log-commands.js';
import { compose, inMemory } from '../im/composition.js';

/** A notice with a short message in it. */
const BODY = Buffer.from(
  JSON.stringify({ id: 'x'.repeat(21), from: { user: '10000', name: 'Ann' }, text: 'x'.repeat(84) }),
);
const AT_ONCE = 4_096;
const PAGE = 50;
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
/** Everything stays. */
const retention = { default: { maxEntries: 2_000_000, maxBytes: 1e12, maxAgeMs: 86_400_000 } };

let storeBytes: (() => number) | undefined;
const metrics: Metrics = {
  ...noMetrics,
  observe(name, _, read) {
    if (name === 'im_timeline_bytes') storeBytes = read;
  },
};
const log = await open(JSON.parse(process.argv[2] ?? '{}') as { folder?: string; url?: string });
const { server } = await compose('bench', inMemory(log));
const port = await listening(server);

async function open({ folder, url }: { folder?: string; url?: string }): Promise<LogStore> {
  if (url === undefined) return openLmdbLogStore({ path: folder ?? '', retention, metrics });
  const store = createRedisLogStore({ url, retention });
  await store.ready();
  return store;
}

let made = 0;

function append(group: string) {
  made += 1;
  return log.append(group, { id: `m-${made}-${process.pid}`, event: 'message', body: BODY, time: Date.now() });
}

async function appendFor({ writers, groups, warmMs, forMs }: Extract<LogCommand, { do: 'append' }>): Promise<LogReply> {
  let next = 0;
  const waits: number[] = [];
  const beginsAt = performance.now() + warmMs;
  const endsAt = beginsAt + forMs;
  let cpu = process.cpuUsage();
  setTimeout(() => {
    cpu = process.cpuUsage();
  }, warmMs);
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let sentAt = performance.now(); sentAt < endsAt; ) {
        next += 1;
        await append(`d:w${groups}-${groups === writers ? writer : next % groups}`);
        const now = performance.now();
        if (sentAt >= beginsAt) waits.push(now - sentAt);
        sentAt = now;
      }
    }),
  );
  const { user, system } = process.cpuUsage(cpu);
  return {
    perSecond: waits.length / (forMs / 1_000),
    p50Ms: percentile(waits, 50),
    p99Ms: percentile(waits, 99),
    cpuUs: (user + system) / waits.length,
  };
}

/** So many appends, a bounded number of them under way. */
async function appendAll(count: number, groupOf: (index: number) => string): Promise<LogReply> {
  const began = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(AT_ONCE, count) }, async () => {
      while (next < count) {
        const group = groupOf(next);
        next += 1;
        await append(group);
      }
    }),
  );
  return { perSecond: count / ((performance.now() - began) / 1_000) };
}

async function page({ group, after, times }: Extract<LogCommand, { do: 'page' }>): Promise<LogReply> {
  const waits: number[] = [];
  for (let left = times; left > 0; left -= 1) {
    const began = performance.now();
    const { entries } = await log.read(group, { after, limit: PAGE });
    waits.push(performance.now() - began);
    if (entries.length !== PAGE || entries[0]?.version !== after + 1)
      throw new Error('not the page that was asked for');
  }
  return { p50Ms: percentile(waits, 50), p99Ms: percentile(waits, 99) };
}

function listening(gateway: Server): Promise<number> {
  return new Promise((resolve) => {
    gateway.listen({ port: 0, host: '127.0.0.1', backlog: 8_192 }, () =>
      resolve((gateway.address() as AddressInfo).port),
    );
  });
}

obeyParent((command: LogCommand): Promise<LogReply> => {
  switch (command.do) {
    case 'append':
      return appendFor(command);
    case 'fill': {
      const { first, users, each } = command;
      return appendAll(users * each, (index) => userGroup(userOf(first + Math.floor(index / each))));
    }
    case 'lengthen':
      return appendAll(command.entries, () => command.group);
    case 'page':
      return page(command);
    case 'measure':
      collect();
      return Promise.resolve({
        residentBytes: process.memoryUsage().rss,
        ...(storeBytes !== undefined && { storeBytes: storeBytes() }),
      });
    case 'where':
      return Promise.resolve({ port });
  }
});
