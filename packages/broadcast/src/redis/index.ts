export type { RedisAddress } from './redis-address.js';
export { createRedisBroadcast, type RedisBroadcastOptions } from './redis-broadcast.js';
