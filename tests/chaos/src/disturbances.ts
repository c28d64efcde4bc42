/** What is done to a cluster: each is begun at once, and settles when the cluster is whole again. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '@im/protocol/ports';
import type { Cluster } from './cluster.js';

export interface Disturbance {
  readonly name: string;
  strike(cluster: Cluster, random: Random): Promise<void>;
}

/** How long Redis is away. */
const AWAY_MS = 1_000;
const ADDED_NODE = 'node-3';

const oneOf = (names: readonly string[], random: Random): string =>
  names[Math.floor(random() * names.length)] as string;

export const killNode: Disturbance = {
  name: 'kill -9 a node',
  strike: (cluster, random) => cluster.kill(oneOf(['node-1', 'node-2'], random)).back,
};

export const addNode: Disturbance = { name: 'add a node', strike: (cluster) => cluster.addNode(ADDED_NODE) };

export const removeNode: Disturbance = { name: 'remove a node', strike: (cluster) => cluster.removeNode(ADDED_NODE) };

export const killGateway: Disturbance = {
  name: 'kill -9 a gateway',
  strike: (cluster, random) => cluster.kill(oneOf(['gateway-1', 'gateway-2'], random)).back,
};

export const killWorker: Disturbance = {
  name: 'kill -9 a worker',
  strike: (cluster, random) => cluster.kill(oneOf(['worker-1', 'worker-2'], random)).back,
};

export const killManagers: Disturbance = {
  name: 'kill -9 all managers',
  async strike(cluster) {
    await Promise.all(['manager-1', 'manager-2'].map((manager) => cluster.kill(manager).back));
  },
};

export const restartRedis: Disturbance = {
  name: 'kill -9 Redis, restart',
  async strike({ redis }) {
    await redis.kill();
    await pause(AWAY_MS);
    await redis.restart();
  },
};
