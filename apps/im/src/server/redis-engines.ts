/** Owns: the engines that many processes share in one Redis. */
import { createRedisPresence, type RedisPresence } from '@im/gateway/redis';
import type { Shutdown } from '@im/runtime';
import { type LogStore, routeLogStores, standInFor } from '@im/timeline';
import { createMemoryLogStore } from '@im/timeline/memory';
import { createRedisLogStore } from '@im/timeline/redis';
import { namingFlags } from '../command.js';
import type { Ports } from './engines.js';
import { ROOMS, STORED } from './retention.js';

const FLAGS = '--redis or IM_REDIS';

/** For reading, and for appending by several processes; a broadcast node takes {@link openSharedLogs}. @throws CommandError */
export async function openLogReader(url: string, { logger, metrics }: Ports, shutdown: Shutdown) {
  const retention = { ...STORED, kinds: { ...STORED.kinds, r: ROOMS } };
  const store = createRedisLogStore({ url, retention, logger, metrics });
  shutdown.add({ name: 'logs', stop: () => store.close() });
  await store.ready().catch(namingFlags(FLAGS));
  return store;
}

/**
 * Rooms go on in memory while Redis is away.
 * @param node whose memory that is
 * @throws CommandError
 */
export async function openSharedLogs(url: string, node: string, ports: Ports, shutdown: Shutdown): Promise<LogStore> {
  const { clock, logger, metrics } = ports;
  const store = await openLogReader(url, ports, shutdown);
  // Epochs have no dots. Without metrics: they would keep the store of every absence.
  const name = node.replaceAll('.', '-').slice(0, 40);
  const standIn = () => createMemoryLogStore({ retention: { default: ROOMS }, node: name, clock });
  return routeLogStores({ default: store, kinds: { r: standInFor({ store, standIn, logger, metrics }) } });
}

/** @param name of this process @throws CommandError */
export async function openPresence(
  url: string,
  name: string,
  ports: Ports,
  shutdown: Shutdown,
): Promise<RedisPresence> {
  const presence = createRedisPresence({ url, gateway: name, ...ports });
  shutdown.add({ name: 'presence', stop: () => presence.close() });
  await presence.ready().catch(namingFlags(FLAGS));
  return presence;
}
