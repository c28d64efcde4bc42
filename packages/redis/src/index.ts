export { CallLanes, type CallLanesOptions, type LaneCall } from './call-lanes.js';
export { connectRedis, type RedisConnection, type RedisConnectionOptions } from './redis-connection.js';
export { RedisScript } from './redis-script.js';
