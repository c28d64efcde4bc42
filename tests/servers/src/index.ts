export { hasRedisServer, type RedisServer, type RedisServerOptions, startRedisServer } from './redis-server.js';
export type { TestServer } from './server-process.js';
