export { type Bridge, BridgePool, type BridgePoolOptions } from './bridge-pool.js';
export { type CellBroadcastOptions, createCellBroadcast } from './cell-broadcast.js';
export { type Homes, isHomeRule, parseHomes } from './homes.js';
