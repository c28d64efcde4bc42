/** Owns: the settings of `im up`, what of them does not go together, and where its folder has what. Pure. */
import path from 'node:path';
import { type Config, ConfigError, type ConfigMistake, type Settings, setting } from '@im/runtime';
import { z } from 'zod';
import { engineMistakes } from '../bus/bus-place.js';
import { cellSettings } from '../cells/cell-place.js';
import { botsCount } from '../commands/bots-settings.js';
import { keysFolder } from '../rpc/broker-place.js';
import { checkOffline, offlineSettings } from '../server/offline-sinks.js';
import { drainSeconds, engine, nats, redis, serverSettings } from '../settings.js';

export const upSettings = {
  ...serverSettings,
  ...cellSettings,
  ...offlineSettings,
  bots: botsCount,
  gateways: setting(z.int().min(1).max(16).default(1), {
    description: 'how many gateways, each a port above the one before; several need --redis',
  }),
  broadcastNodes: setting(z.int().min(1).max(16).optional(), {
    description:
      'how many broadcast nodes, default 1; several need --redis; there are none with Redis or NATS as --engine',
  }),
  engine,
  redis: {
    ...redis,
    description: `${redis.description}; --engine redis and nats start one of their own without it`,
  },
  nats: { ...nats, description: `${nats.description}, which starts one of its own without it` },
  drainSeconds,
  brokers: setting(z.int().min(1).max(16).default(1), { description: 'how many brokers' }),
  workers: setting(z.int().min(1).max(64).default(2), { description: 'how many worker processes' }),
  managers: setting(z.int().min(0).max(8).default(0), {
    description: 'how many node managers, which know who is in the cluster and tell clients where to connect',
  }),
  managerPort: setting(z.int().min(0).max(65_000).default(7680), {
    description: 'HTTP port of the first node manager, each of the others a port above; 0 takes free ones',
  }),
  transport: setting(z.enum(['ipc', 'tcp']).default('ipc'), {
    description: 'between the processes: sockets in the data folder, or ports of this host from --rpc-port on',
  }),
  rpcPort: setting(z.int().min(1).max(65_000).default(7401), {
    description: 'first of two ports for each broker, with --transport tcp',
  }),
  busPort: setting(z.int().min(1).max(65_000).default(7501), {
    description: 'first of four ports for each broadcast node, with --transport tcp',
  }),
  clusterPort: setting(z.int().min(1).max(65_000).default(7601), {
    description: 'first of two ports for each node manager, with --transport tcp',
  }),
  keysFolder,
  workerProgram: setting(z.string().min(1).optional(), {
    description: 'a Node program of your own instead of im worker; it finds its settings in IM_* variables',
    placeholder: 'file',
  }),
  metricsPort: setting(z.int().min(0).max(65_535).optional(), {
    description: 'port of this host with the figures of all processes, at /metrics; 0 takes a free one',
    placeholder: 'port',
  }),
  watch: setting(z.boolean().default(false), { description: 'update the workers whenever their code changes' }),
} satisfies Settings;

export type UpConfig = Config<typeof upSettings>;

/** The settings with what is known once servers are found and ports are taken. */
export interface UpPlan extends UpConfig {
  /** None where there is Redis or NATS in their place. */
  readonly broadcastNodes: number;
  /** One for each gateway. */
  readonly gatewayPorts: readonly number[];
  /** One for each node manager. */
  readonly managerPorts: readonly number[];
}

/** In the data folder: sockets, and what commands beside `im up` have to know. Taken by one `im up` at a time. */
export const rpcFolder = ({ dataFolder }: Pick<UpConfig, 'dataFolder'>): string => path.resolve(dataFolder, 'rpc');

/** Where a running `im up` takes commands. */
export const controlSocket = (config: Pick<UpConfig, 'dataFolder'>): string => path.join(rpcFolder(config), 'control');

/** As many as are asked for, or as the engine needs. */
export function broadcastNodesOf({ engine, broadcastNodes }: Pick<UpConfig, 'engine' | 'broadcastNodes'>): number {
  return engine === 'zeromq' ? (broadcastNodes ?? 1) : 0;
}

/** @throws ConfigError for what does not go together, and for several processes that would have to share what only one can have */
export function checkTogether(config: UpConfig): void {
  checkOffline(config);
  const { engine, gateways, broadcastNodes, redis } = config;
  const mistakes: ConfigMistake[] = engineMistakes(config);
  if (engine !== 'zeromq' && broadcastNodes !== undefined) {
    const expected = `left out with --engine ${engine}: there are no broadcast nodes, publishers append and publish by themselves (--broadcast-nodes)`;
    mistakes.push({ path: 'broadcastNodes', expected, given: String(broadcastNodes) });
  }
  if (engine === 'zeromq' && redis === undefined) {
    const counts = {
      gateways: [gateways, '--gateways'],
      broadcastNodes: [broadcastNodes ?? 1, '--broadcast-nodes'],
    } as const;
    for (const [path, [count, flag]] of Object.entries(counts)) {
      if (count === 1) continue;
      const expected = `1 without --redis (set ${flag}): logs and online lists of several must be in one store`;
      mistakes.push({ path, expected, given: String(count) });
    }
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes);
}
