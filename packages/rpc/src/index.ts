export type {
  CallOptions,
  Registration,
  Rpc,
  RpcCaller,
  RpcHeaders,
  RpcReply,
  RpcRequest,
  RpcWorker,
  ServedService,
} from './rpc.js';
