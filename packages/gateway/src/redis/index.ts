export { createRedisPresence, type RedisPresence, type RedisPresenceOptions } from './redis-presence.js';
