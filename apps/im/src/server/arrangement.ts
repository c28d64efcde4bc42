/** Owns: where the calls of clients are carried out: by workers in this process, or in others that reach its engines by RPC. */
import type { Rpc, RpcWorker } from '@im/rpc';
import { createMemoryRpc } from '@im/rpc/memory';
import { createZeromqRpc } from '@im/rpc/zeromq';
import { createWorkers } from '@im/workers';
import { serveRelay } from '../relay/serve-relay.js';
import type { BrokerPlace } from '../rpc/broker-place.js';
import type { Engines, Ports } from './engines.js';

interface ServedParts extends Engines, Ports {
  readonly worker: RpcWorker;
  /** Undefined: no development tokens. */
  readonly developmentSecret: Uint8Array | undefined;
  readonly version: string;
}

export interface Arrangement {
  createRpc(ports: Ports): Rpc;
  /** Settles when it is reached; closing answers the calls it has. */
  serve(parts: ServedParts): Promise<{ close(): Promise<void> }>;
}

export const embeddedWorkers: Arrangement = {
  createRpc: (ports) => createMemoryRpc(ports),
  serve: ({ broadcast, ...parts }) => createWorkers({ ...parts, publisher: broadcast.createPublisher() }),
};

/** Workers are processes of their own. */
export function workersBehind(place: BrokerPlace): Arrangement {
  return {
    createRpc: ({ clock, logger }) => createZeromqRpc({ ...place, clock, logger }),
    serve: (parts) => serveRelay(parts),
  };
}
