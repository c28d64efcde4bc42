/** Tells a service by RPC: its method `$offline`, which no client can call. */
import { encodeJson, type RpcCaller } from '@im/rpc';
import type { OfflineSink } from './offline-event.js';

const OFFLINE_METHOD = '$offline';

export interface OfflineServiceOptions {
  readonly caller: RpcCaller;
  readonly service: string;
  /** Of one attempt. Default 10,000. */
  readonly timeoutMs?: number;
}

export function createOfflineServiceSink({ caller, service, timeoutMs = 10_000 }: OfflineServiceOptions): OfflineSink {
  return {
    name: 'service',
    async tell(event, signal) {
      // Whoever is told twice knows it by the id.
      await caller.call(service, OFFLINE_METHOD, encodeJson(event), { timeoutMs, signal, idempotent: true });
    },
  };
}
