export { createMemoryBroadcast, type MemoryBroadcastOptions } from './memory-broadcast.js';
