/** Owns: where the engines of a server are and where the calls of clients are carried out: in this process, or in others. */
import type { UserReader } from '@im/gateway';
import { createMemoryOnlineList } from '@im/groups';
import type { Rpc, RpcCaller, RpcWorker } from '@im/rpc';
import { createMemoryRpc } from '@im/rpc/memory';
import { createZeromqRpc } from '@im/rpc/zeromq';
import type { Shutdown } from '@im/runtime';
import { openIdSource } from '@im/timeline';
import { createWorkers } from '@im/workers';
import type { BusPlace } from '../bus/bus-place.js';
import { openBus } from '../bus/open-bus.js';
import type { CellPlace } from '../cells/cell-place.js';
import { reachCells } from '../cells/reach-cells.js';
import { serveOnline } from '../relay/serve-online.js';
import type { BrokerPlace } from '../rpc/broker-place.js';
import { type Engines, openEmbedded, type Ports } from './engines.js';
import { type OfflineConfig, openOfflineSinks } from './offline-sinks.js';

interface EngineSurroundings {
  readonly dataFolder: string;
  readonly rpc: Rpc;
  readonly ports: Ports;
  readonly shutdown: Shutdown;
  /** The store has failed: nothing durable can be written until the process is started again. */
  readonly onStoreFailed: (error: Error) => void;
}

interface ServedParts extends Omit<Engines, 'users'>, Ports {
  readonly users: UserReader;
  readonly worker: RpcWorker;
  readonly caller: RpcCaller;
  /** Undefined: no development tokens. */
  readonly developmentSecret: Uint8Array | undefined;
  readonly version: string;
}

export interface Arrangement {
  createRpc(ports: Ports): Rpc;
  /** @throws ImError STORE_UNAVAILABLE, DataFolderError */
  openEngines(surroundings: EngineSurroundings): Promise<Engines>;
  /** Settles when it is reached; closing answers the calls it has. */
  serve(parts: ServedParts): Promise<{ close(): Promise<void> }>;
}

/** @param offline who is told of messages for people who are not connected; default: nobody */
export function allInOne(offline?: OfflineConfig): Arrangement {
  return {
    createRpc: (ports) => createMemoryRpc(ports),
    openEngines: (surroundings) => openEmbedded(surroundings),
    async serve({ broadcast, caller, users, ...parts }) {
      const ids = await openIdSource(parts);
      const told =
        offline &&
        (await openOfflineSinks(offline, { caller, users, bus: { ...parts, broadcast }, clock: parts.clock }));
      const workers = await createWorkers({ ...parts, ids, offline: told, publisher: broadcast.createPublisher() });
      return { close: () => workers.close().finally(() => ids.close()) };
    },
  };
}

export interface Elsewhere {
  readonly brokers: BrokerPlace;
  /** Its Redis is where online lists are, too; without one they are here. */
  readonly bus: BusPlace;
  /** Undefined: there is one. */
  readonly cells: CellPlace | undefined;
  /** Of this gateway, among several. */
  readonly name: string;
}

/** Workers and broadcast nodes are processes of their own. */
export function amongProcesses({ brokers, bus, cells, name }: Elsewhere): Arrangement {
  const { redis } = bus;
  return {
    createRpc: ({ clock, logger }) => createZeromqRpc({ ...brokers, clock, logger }),
    async openEngines({ rpc, ports, shutdown }) {
      const { keys } = brokers;
      const surroundings = { keys, caller: rpc.createCaller(), ports, shutdown };
      const opened = await reachCells(await openBus({ place: bus, ...surroundings }), cells, surroundings);
      if (redis === undefined) return { ...opened, online: createMemoryOnlineList({ metrics: ports.metrics }) };
      const { openPresence } = await import('./redis-engines.js');
      const { online, users } = await openPresence(redis, name, ports, shutdown);
      return { ...opened, online, users };
    },
    // Workers read the online list of several gateways in Redis.
    serve: async ({ worker, online, users, version }) =>
      redis === undefined ? serveOnline({ worker, online, users, version }) : { close: async () => {} },
  };
}
