/** Where the logs of W7 are. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Comparable } from '../harness/compare.js';
import type { Place } from '../harness/cores.js';
import { type Fsync, redisServerMissing, startRedisServer } from '../harness/redis-server.js';

interface LogPlace {
  /** As the server program takes it. */
  readonly reach: object;
  /** Where the server program runs. */
  readonly place: Place;
  /** What all logs take, where it is not the server program that knows. */
  readonly bytes?: () => Promise<number>;
  stop(): Promise<void>;
}

export interface LogSystem extends Comparable {
  start(): Promise<LogPlace>;
}

export const logSystems: readonly LogSystem[] = [
  { name: 'lmdb', missing: () => undefined, start: openFolder },
  { name: 'redis-everysec', missing: redisServerMissing, start: () => openRedis('everysec') },
  { name: 'redis-always', missing: redisServerMissing, start: () => openRedis('always') },
];

async function openFolder(): Promise<LogPlace> {
  const folder = mkdtempSync(path.join(tmpdir(), 'im-bench-'));
  return {
    reach: { folder },
    place: 'anywhere',
    stop: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function openRedis(fsync: Fsync): Promise<LogPlace> {
  // Each has a core: the kernel likes to put the two ends of a loopback connection on the same, where they wait for each other.
  const redis = await startRedisServer({ fsync, place: 'load' });
  return {
    reach: { url: `redis://127.0.0.1:${redis.port}` },
    place: 'server',
    bytes: () => redis.usedMemory(),
    stop: () => redis.stop(),
  };
}
