/** A Redis server of the bench's own, in memory only, on a free port, for as long as a run lasts. */

import type { Place } from './cores.js';
import { freePort, listening } from './ports.js';
import { findProgram } from './programs.js';
import { ServerProcess } from './server-process.js';

const PROGRAM = 'redis-server';

export interface RedisServer {
  readonly process: ServerProcess;
  readonly port: number;
  stop(): Promise<void>;
}

/** Why it cannot be run here. */
export function redisServerMissing(): string | undefined {
  return findProgram(PROGRAM) === undefined ? `no program \`${PROGRAM}\` on PATH` : undefined;
}

export async function startRedisServer(place?: Place): Promise<RedisServer> {
  const port = await freePort();
  const options = ['--port', String(port), '--save', '', '--appendonly', 'no', '--dir', '/tmp'];
  // What a subscriber has not read yet is bounded by the publisher, as in the other systems.
  options.push('--client-output-buffer-limit', 'pubsub 0 0 0');
  const process = new ServerProcess([findProgram(PROGRAM) ?? PROGRAM, ...options], place);
  try {
    await listening(port);
    return { process, port, stop: () => process.stop() };
  } catch (error) {
    await process.stop();
    throw error;
  }
}
