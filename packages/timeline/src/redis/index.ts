export { createRedisLogStore, type RedisLogStore, type RedisLogStoreOptions } from './redis-log-store.js';
