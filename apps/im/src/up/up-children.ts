/** Owns: which processes `im up` runs, with which settings. Pure. */
import path from 'node:path';
import { type ChildSpec, type Config, ConfigError, type ConfigMistake, handOn } from '@im/runtime';
import { ipcNodeAddress } from '../bus/node-address.js';
import { ipcManagerAddress } from '../cluster/manager-address.js';
import { botsChild } from '../commands/bots-settings.js';
import { broadcastNodeSettings } from '../commands/broadcast-node.js';
import { brokerRoleSettings } from '../commands/broker.js';
import { gatewaySettings } from '../commands/gateway.js';
import { DEFAULT_HOLD_SECONDS, managerSettings } from '../commands/manager.js';
import { workerSettings } from '../commands/worker.js';
import { ipcAddress } from '../rpc/broker-address.js';
import { chooseSignIn } from '../server/sign-in.js';
import { childOf, shownOrigin } from '../supervised-children.js';
import type { Role } from './status.js';
import { rpcFolder, type UpPlan } from './up-settings.js';

/** @throws ConfigError when paths of sockets would be too long */
export function brokerAddressesOf(plan: UpPlan): string[] {
  return Array.from({ length: plan.brokers }, (_, index) => {
    const socket = ipcAddress(rpcFolder(plan), `broker-${index + 1}`);
    if (socket === undefined) throw new ConfigError([tooLong(plan)]);
    return plan.transport === 'ipc' ? socket : `tcp://127.0.0.1:${plan.rpcPort + 2 * index}`;
  });
}

/** @throws ConfigError when paths of sockets would be too long */
export function nodeAddressesOf(plan: UpPlan): string[] {
  return Array.from({ length: plan.broadcastNodes }, (_, index) => {
    const name = `node-${index + 1}`;
    const socket = ipcNodeAddress(rpcFolder(plan), name);
    if (socket === undefined) throw new ConfigError([tooLong(plan)]);
    return plan.transport === 'ipc' ? socket : `${name}@tcp://127.0.0.1:${plan.busPort + 4 * index}`;
  });
}

/** @throws ConfigError when paths of sockets would be too long */
function managerAddressesOf(plan: UpPlan): string[] {
  return Array.from({ length: plan.managers }, (_, index) => {
    const socket = ipcManagerAddress(rpcFolder(plan), managerName(index));
    if (socket === undefined) throw new ConfigError([tooLong(plan)]);
    return plan.transport === 'ipc' ? socket : `tcp://127.0.0.1:${plan.clusterPort + 2 * index}`;
  });
}

/** Longer than the deadlines of all that a gateway does when it is stopped, its clients' moving aside. */
const GATEWAY_STOP_MS = 40_000;

const managerName = (index: number): string => `manager-${index + 1}`;

function tooLong({ dataFolder }: UpPlan): ConfigMistake {
  return {
    path: 'dataFolder',
    expected: 'a folder in which sockets have paths of at most 107 bytes: choose a shorter one with --data',
    given: JSON.stringify(path.resolve(dataFolder)),
  };
}

export const workerNames = ({ workers }: UpPlan): string[] =>
  Array.from({ length: workers }, (_, index) => `worker-${index + 1}`);

/** Where people find each gateway. */
export const gatewayOrigins = (plan: UpPlan): string[] =>
  plan.gatewayPorts.map((port) => shownOrigin({ ...plan, port }));

/** Where clients ask each node manager for gateways, and operators for the cluster. */
export const managerOrigins = (plan: UpPlan): string[] =>
  plan.managerPorts.map((port) => shownOrigin({ ...plan, port }));

/** One process of `im up`. */
export interface UpChild {
  readonly role: Role;
  /** Where others reach it, for people. */
  readonly address?: string | undefined;
  readonly spec: ChildSpec;
}

/** Node managers, brokers, broadcast nodes, workers, gateways, bots: each finds those before it ready. */
export function upChildren(plan: UpPlan): UpChild[] {
  const { keysFolder, dataFolder, engine, redis, nats, cell, homes, bridge, logLevel, json } = plan;
  const { workerProgram, bots, drainSeconds } = plan;
  const { offlineUrl, offlineSecret, offlineService, offlinePreview } = plan;
  const broker = brokerAddressesOf(plan);
  const node = nodeAddressesOf(plan);
  const manager = managerAddressesOf(plan);
  // Node managers know more: also those that come while all of this runs.
  const known = manager.length > 0 ? [] : node;
  const logging = { logLevel, json };
  // `im up` asks them itself.
  const noAdminPort = { metricsPort: undefined, metricsHost: '127.0.0.1', metricsOpen: false };
  const development = chooseSignIn(plan).by === 'development';
  return [
    ...manager.map((listen, index) => {
      const id = managerName(index);
      const port = plan.managerPorts[index] as number;
      const settings = { listen, port, id, insecure: false, holdSeconds: DEFAULT_HOLD_SECONDS, processName: id };
      const spec = childOf('manager', handOn(managerSettings, { ...plan, ...settings }), id);
      return { role: 'manager' as const, address: listen, spec };
    }),
    ...broker.map((listen, index) => {
      const processName = `broker-${index + 1}`;
      const settings = {
        ...{ listen, keysFolder, manager, insecure: false, dataFolder, processName },
        ...noAdminPort,
        ...logging,
      };
      const spec = childOf('broker', handOn(brokerRoleSettings, settings), processName);
      return { role: 'broker' as const, address: listen, spec };
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
        ...noAdminPort,
        ...logging,
      };
      const spec = childOf('broadcast-node', handOn(broadcastNodeSettings, settings), processName);
      return { role: 'broadcast-node' as const, address: listen.slice(processName.length + 1), spec };
    }),
    ...workerNames(plan).map((processName) => {
      const settings = {
        broker,
        node: known,
        manager,
        ...{ engine, redis, nats },
        ...{ cell, homes, bridge },
        keysFolder,
        dataFolder,
        development,
        ...{ offlineUrl, offlineSecret, offlineService, offlinePreview },
        release: undefined,
        processName,
        ...noAdminPort,
        ...logging,
      };
      const spec =
        workerProgram === undefined
          ? childOf('worker', handOn(workerSettings, settings), processName)
          : ownProgram(workerProgram, { ...settings, node }, processName);
      return { role: 'worker' as const, spec };
    }),
    ...plan.gatewayPorts.map((port, index) => {
      const processName = `gateway-${index + 1}`;
      const settings = {
        ...plan,
        port,
        broker,
        node: known,
        manager,
        publicUrl: undefined,
        processName,
      };
      const spec = {
        ...childOf('gateway', handOn(gatewaySettings, settings), processName),
        // A drained one has finished; those that leave together send nobody to each other.
        ...{ mayFinish: true, together: 'gateways' },
        stopTimeoutMs: drainSeconds * 1_000 + GATEWAY_STOP_MS,
      };
      return { role: 'gateway' as const, address: shownOrigin(settings), spec };
    }),
    ...botsChild(plan, bots, gatewayOrigins(plan)[0] as string).map((spec) => ({ role: 'bots' as const, spec })),
  ];
}

/** Programs of other people are not asked to know our flags: what secrets travel in, takes all settings. */
function ownProgram(file: string, settings: Config<typeof workerSettings>, name: string): ChildSpec {
  const declared = Object.entries(workerSettings).map(([key, one]) => [key, { ...one, secret: true }]);
  const handedOn = handOn(Object.fromEntries(declared) as typeof workerSettings, settings);
  return { ...childOf('worker', handedOn, name), args: [path.resolve(file)] };
}
