/** A broadcast node, figures on, logs in memory or in Redis. */
import { createZeromqNode } from '@im/broadcast/zeromq';
import { createMetrics } from '@im/runtime';
import { createMemoryLogStore } from '@im/timeline/memory';
import { createRedisLogStore, type RedisLogStore } from '@im/timeline/redis';
import { HOST } from '../../src/harness/host.js';
import { announcePart, reached } from '../../src/harness/part.js';

const { redis } = reached<{ redis?: number }>();
const metrics = createMetrics();

async function openRedis(port: number): Promise<RedisLogStore> {
  const store = createRedisLogStore({ url: `redis://${HOST}:${port}`, metrics });
  await store.ready();
  return store;
}

const sequencer = redis === undefined ? createMemoryLogStore({ metrics }) : await openRedis(redis);
const { addresses } = await createZeromqNode({ id: 'node-1', sequencer, metrics });
announcePart(addresses);
