/** Callers and workers of this process over ZeroMQ brokers. */

import { ImError } from '@im/protocol';
import type { Context } from 'zeromq';
import { type EngineOptions, RpcEngine } from '../engine/rpc-engine.js';
import type { Rpc } from '../rpc.js';
import { DEFAULT_MAX_BODY_BYTES } from '../rpc-limits.js';
import type { CurveClientKeys } from './curve.js';
import { createDealerConnector } from './dealer-link.js';

/** Where one broker is. */
export interface BrokerAddress {
  readonly callers: string;
  readonly workers: string;
}

export interface ZeromqRpcOptions extends EngineOptions {
  /** At least one. Callers use those that live, workers register with all. */
  readonly brokers: readonly BrokerAddress[];
  readonly keys?: CurveClientKeys | undefined;
  /** Of ZeroMQ; needed for `inproc` only. */
  readonly context?: Context | undefined;
}

/** Needs no broker to be up: calls wait for one until their deadlines. @throws ImError CONFIG_INVALID */
export function createZeromqRpc(options: ZeromqRpcOptions): Rpc {
  const { brokers, keys, context, maxBodyBytes = DEFAULT_MAX_BODY_BYTES } = options;
  if (brokers.length === 0) throw new ImError('CONFIG_INVALID', { message: 'brokers: at least one address' });
  const dealer = (address: string) => createDealerConnector({ address, keys, context, maxBodyBytes });
  return new RpcEngine(
    brokers.map(({ callers, workers }) => ({ callers: dealer(callers), workers: dealer(workers) })),
    options,
  );
}
