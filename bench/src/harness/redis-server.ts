/** A Redis server of the bench's own, on a free port, for as long as a run lasts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import type { Place } from './cores.js';
import { HOST } from './host.js';
import { freePort, listening } from './ports.js';
import { findProgram } from './programs.js';
import { ServerProcess } from './server-process.js';

const PROGRAM = 'redis-server';

export interface RedisServer {
  readonly process: ServerProcess;
  readonly port: number;
  /** Bytes, as it says itself. */
  usedMemory(): Promise<number>;
  stop(): Promise<void>;
}

/** How it keeps its append-only file; `no`: it keeps nothing. */
export type Fsync = 'no' | 'everysec' | 'always';

export interface RedisServerOptions {
  readonly place?: Place;
  readonly fsync?: Fsync;
}

/** Why it cannot be run here. */
export function redisServerMissing(): string | undefined {
  return findProgram(PROGRAM) === undefined ? `no program \`${PROGRAM}\` on PATH` : undefined;
}

export async function startRedisServer({ place, fsync = 'no' }: RedisServerOptions = {}): Promise<RedisServer> {
  const port = await freePort();
  const folder = mkdtempSync(path.join(tmpdir(), 'im-bench-redis-'));
  const options = ['--port', String(port), '--save', '', '--dir', folder];
  options.push(...(fsync === 'no' ? ['--appendonly', 'no'] : ['--appendonly', 'yes', '--appendfsync', fsync]));
  // What a subscriber has not read yet is bounded by the publisher, as in the other systems.
  options.push('--client-output-buffer-limit', 'pubsub 0 0 0');
  const process = new ServerProcess([findProgram(PROGRAM) ?? PROGRAM, ...options], place);
  const stop = async (): Promise<void> => {
    await process.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await listening(port);
    return { process, port, usedMemory: () => usedMemory(port), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function usedMemory(port: number): Promise<number> {
  const redis = new Redis({ host: HOST, port });
  try {
    return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
  } finally {
    redis.disconnect();
  }
}
