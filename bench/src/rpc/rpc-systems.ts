/** The RPC systems that are compared, and the parts of which their chains consist. */
import { natsServerMissing } from '../harness/nats-server.js';

export interface RpcSystem {
  readonly name: string;
  /** Its built programs `caller.js`, `worker.js` and, where the broker is its own, `broker.js`; a folder of dist. */
  readonly folder: string;
  readonly broker: 'own' | 'nats-server' | 'none';
  /** Why it cannot be run here. */
  missing(): string | undefined;
}

const nothing = (): undefined => undefined;

export const imRpc: RpcSystem = { name: 'im', folder: 'systems/im-rpc', broker: 'own', missing: nothing };

export const rpcSystems: readonly RpcSystem[] = [
  imRpc,
  { name: 'zeromq-bare', folder: 'peers/zeromq-bare', broker: 'own', missing: nothing },
  { name: 'moleculer-nats', folder: 'peers/moleculer-nats', broker: 'nats-server', missing: natsServerMissing },
  { name: 'nats', folder: 'peers/nats', broker: 'nats-server', missing: natsServerMissing },
  { name: 'grpc-js', folder: 'peers/grpc-js', broker: 'none', missing: nothing },
];
