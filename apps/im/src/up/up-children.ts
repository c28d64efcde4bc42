/** Owns: which processes `im up` runs, with which settings. Pure. */
import path from 'node:path';
import {
  type ChildSpec,
  type Config,
  ConfigError,
  type ConfigMistake,
  handOn,
  type Settings,
  setting,
} from '@im/runtime';
import { z } from 'zod';
import { ipcNodeAddress } from '../bus/node-address.js';
import { ipcManagerAddress } from '../cluster/manager-address.js';
import { botsChild, botsCount } from '../commands/bots-settings.js';
import { broadcastNodeSettings } from '../commands/broadcast-node.js';
import { brokerRoleSettings } from '../commands/broker.js';
import { gatewaySettings } from '../commands/gateway.js';
import { DEFAULT_HOLD_SECONDS, managerSettings } from '../commands/manager.js';
import { workerSettings } from '../commands/worker.js';
import { ipcAddress } from '../rpc/broker-address.js';
import { keysFolder } from '../rpc/broker-place.js';
import { chooseSignIn } from '../server/sign-in.js';
import { redis, serverSettings } from '../settings.js';
import { childOf, shownOrigin } from '../supervised-children.js';

export const upSettings = {
  ...serverSettings,
  bots: botsCount,
  gateways: setting(z.int().min(1).max(16).default(1), {
    description: 'how many gateways, each a port above the one before; several need --redis',
  }),
  broadcastNodes: setting(z.int().min(1).max(16).default(1), {
    description: 'how many broadcast nodes; several need --redis',
  }),
  redis,
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

/** In the data folder: sockets, and what commands beside `im up` have to know. Taken by one `im up` at a time. */
export const rpcFolder = ({ dataFolder }: Pick<UpConfig, 'dataFolder'>): string => path.resolve(dataFolder, 'rpc');

/** Where a running `im up` takes commands. */
export const controlSocket = (config: Pick<UpConfig, 'dataFolder'>): string => path.join(rpcFolder(config), 'control');

/** @throws ConfigError when paths of sockets would be too long */
export function brokerAddressesOf(config: UpConfig): string[] {
  return Array.from({ length: config.brokers }, (_, index) => {
    const socket = ipcAddress(rpcFolder(config), `broker-${index + 1}`);
    if (socket === undefined) throw new ConfigError([tooLong(config)]);
    return config.transport === 'ipc' ? socket : `tcp://127.0.0.1:${config.rpcPort + 2 * index}`;
  });
}

/** @throws ConfigError when paths of sockets would be too long */
export function nodeAddressesOf(config: UpConfig): string[] {
  return Array.from({ length: config.broadcastNodes }, (_, index) => {
    const name = `node-${index + 1}`;
    const socket = ipcNodeAddress(rpcFolder(config), name);
    if (socket === undefined) throw new ConfigError([tooLong(config)]);
    return config.transport === 'ipc' ? socket : `${name}@tcp://127.0.0.1:${config.busPort + 4 * index}`;
  });
}

/** @throws ConfigError when paths of sockets would be too long */
function managerAddressesOf(config: UpConfig): string[] {
  return Array.from({ length: config.managers }, (_, index) => {
    const socket = ipcManagerAddress(rpcFolder(config), managerName(index));
    if (socket === undefined) throw new ConfigError([tooLong(config)]);
    return config.transport === 'ipc' ? socket : `tcp://127.0.0.1:${config.clusterPort + 2 * index}`;
  });
}

const managerName = (index: number): string => `manager-${index + 1}`;

/** @throws ConfigError for several processes that would have to share what only one can have */
export function checkShared({ gateways, broadcastNodes, redis }: UpConfig): void {
  if (redis !== undefined) return;
  const flags = { gateways: '--gateways', broadcastNodes: '--broadcast-nodes' } as const;
  const mistakes = Object.entries({ gateways, broadcastNodes })
    .filter(([, count]) => count > 1)
    .map(([path, count]) => ({
      path,
      expected: `1 without --redis (set ${flags[path as keyof typeof flags]}): logs and online lists of several must be in one store`,
      given: String(count),
    }));
  if (mistakes.length > 0) throw new ConfigError(mistakes);
}

function tooLong({ dataFolder }: UpConfig): ConfigMistake {
  return {
    path: 'dataFolder',
    expected: 'a folder in which sockets have paths of at most 107 bytes: choose a shorter one with --data',
    given: JSON.stringify(path.resolve(dataFolder)),
  };
}

export const workerNames = ({ workers }: UpConfig): string[] =>
  Array.from({ length: workers }, (_, index) => `worker-${index + 1}`);

const gatewayNames = ({ gateways }: UpConfig): string[] =>
  gateways === 1 ? ['gateway'] : Array.from({ length: gateways }, (_, index) => `gateway-${index + 1}`);

/** Where people find each of them. */
export const gatewayOrigins = (config: UpConfig): string[] =>
  gatewayNames(config).map((_, index) => shownOrigin({ ...config, port: config.port + index }));

/** Brokers, node managers, broadcast nodes, workers, gateways, bots: each finds those before it ready. */
export function upChildren(config: UpConfig): ChildSpec[] {
  const { keysFolder, dataFolder, redis, logLevel, json, workerProgram, bots } = config;
  const broker = brokerAddressesOf(config);
  const node = nodeAddressesOf(config);
  const manager = managerAddressesOf(config);
  // Node managers know more: also those that come while all of this runs.
  const known = manager.length > 0 ? [] : node;
  const logging = { logLevel, json };
  const development = chooseSignIn(config).by === 'development';
  return [
    ...broker.map((listen, index) => {
      const processName = `broker-${index + 1}`;
      const settings = { listen, keysFolder, insecure: false, processName, ...logging };
      return childOf('broker', handOn(brokerRoleSettings, settings), processName);
    }),
    ...manager.map((listen, index) => {
      const id = managerName(index);
      const port = config.managerPort === 0 ? 0 : config.managerPort + index;
      const settings = { listen, port, id, insecure: false, holdSeconds: DEFAULT_HOLD_SECONDS, processName: id };
      return childOf('manager', handOn(managerSettings, { ...config, ...settings }), id);
    }),
    ...node.map((listen) => {
      const processName = listen.slice(0, listen.indexOf('@'));
      const settings = {
        listen,
        broker,
        manager,
        keysFolder,
        insecure: false,
        dataFolder,
        redis,
        processName,
        ...logging,
      };
      return childOf('broadcast-node', handOn(broadcastNodeSettings, settings), processName);
    }),
    ...workerNames(config).map((processName) => {
      const settings = {
        broker,
        node: known,
        manager,
        redis,
        keysFolder,
        dataFolder,
        development,
        release: undefined,
        processName,
        ...logging,
      };
      return workerProgram === undefined
        ? childOf('worker', handOn(workerSettings, settings), processName)
        : ownProgram(workerProgram, { ...settings, node }, processName);
    }),
    ...gatewayNames(config).map((processName, index) => {
      const settings = {
        ...config,
        port: config.port + index,
        broker,
        node: known,
        manager,
        publicUrl: undefined,
        processName,
      };
      return childOf('gateway', handOn(gatewaySettings, settings), processName);
    }),
    ...botsChild(config, bots, shownOrigin(config)),
  ];
}

/** Programs of other people are not asked to know our flags: what secrets travel in, takes all settings. */
function ownProgram(file: string, settings: Config<typeof workerSettings>, name: string): ChildSpec {
  const declared = Object.entries(workerSettings).map(([key, one]) => [key, { ...one, secret: true }]);
  const handedOn = handOn(Object.fromEntries(declared) as typeof workerSettings, settings);
  return { ...childOf('worker', handedOn, name), args: [path.resolve(file)] };
}
