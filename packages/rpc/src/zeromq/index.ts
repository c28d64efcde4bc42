export {
  type BrokerKeys,
  type CurveClientKeys,
  type CurveKeys,
  createCurveKeys,
  createGuardedContext,
  type GuardedContext,
} from './curve.js';
export { createZeromqBroker, type ZeromqBroker, type ZeromqBrokerOptions } from './zeromq-broker.js';
export { type BrokerAddress, createZeromqRpc, type ZeromqRpcOptions } from './zeromq-rpc.js';
