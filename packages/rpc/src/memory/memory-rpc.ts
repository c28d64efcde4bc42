/** RPC inside one process: callers, workers and a broker of their own, over links of memory. The rules are those between processes. */
import type { Metrics } from '@im/protocol/ports';
import { type BrokerLimits, createBrokerCore } from '../broker/create-broker-core.js';
import { type EngineOptions, RpcEngine } from '../engine/rpc-engine.js';
import type { Rpc } from '../rpc.js';
import { memoryConnectors } from './memory-connector.js';

export interface MemoryRpcOptions extends EngineOptions, BrokerLimits {
  readonly metrics?: Metrics | undefined;
}

export function createMemoryRpc(options: MemoryRpcOptions = {}): Rpc {
  // Whoever serves in this process, serves before it is called: there is nobody to wait for.
  const core = createBrokerCore({ ...options, graceMs: 0 });
  return new RpcEngine([memoryConnectors(core)], options, () => core.close());
}
