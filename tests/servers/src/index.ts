export { hasNatsServer, type NatsServerOptions, startNatsServer } from './nats-server.js';
export {
  type AppendFsync,
  hasRedisServer,
  type RedisServer,
  type RedisServerOptions,
  startRedisServer,
} from './redis-server.js';
export type { TestServer } from './server-process.js';
