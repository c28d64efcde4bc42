export { createMemoryRpc, type MemoryRpcOptions } from './memory-rpc.js';
