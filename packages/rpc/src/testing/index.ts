export type { RpcContractOptions, RpcFactory } from './contract/contract-fixture.js';
export { describeRpcContract } from './describe-rpc-contract.js';
export { type HeldCall, HeldService } from './held-service.js';
