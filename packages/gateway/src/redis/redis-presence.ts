/** Who is where, across gateways, in Redis: composes connection, writer, online lists and user register. */
import type { OnlineList } from '@im/groups';
import { ImError } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import { type Clock, type Logger, type Metrics, noMetrics, silentLogger } from '@im/protocol/ports';
import { connectRedis } from '@im/redis';
import type { UserRegister } from '../user-register.js';
import { OwnSessions } from './own-sessions.js';
import { PlaceKeys } from './place.js';
import { PresenceWriter } from './presence-writer.js';
import { RedisOnlineList, type SharedPresence } from './redis-online-list.js';
import { RedisUserRegister } from './redis-user-register.js';

export interface RedisPresenceOptions {
  /** `redis://user:password@host:6379/0`; `rediss://` for TLS; of a Redis Cluster one or several of its nodes. */
  readonly url: string | readonly string[];
  /** Default: whether there are several urls. */
  readonly cluster?: boolean;
  /** What all keys begin with. Default `im`. */
  readonly prefix?: string;
  /** This process's name in the register: `[A-Za-z0-9_-]`, up to 64. */
  readonly gateway: string;
  /** After so long without a sign of this process it counts as dead, and its sessions vanish. Default 10,000. */
  readonly leaseMs?: number;
  /** Sessions entered here, in all groups and the register; those beyond are not listed, and counted. Default 4,000,000. */
  readonly maxSessions?: number;
  readonly timeoutMs?: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
}

/** A process that only reads enters nobody, and keeps no lease. */
export interface RedisPresence {
  readonly online: OnlineList;
  readonly users: UserRegister;
  /** Resolves when Redis was reached. @throws ImError STORE_UNAVAILABLE, CONFIG_INVALID, CLOSED; it goes on trying */
  ready(): Promise<void>;
  /** Resolves when everything entered and left so far can be read everywhere, or Redis is away. */
  settled(): Promise<void>;
  /** Takes out what this process entered, if Redis is there. */
  close(): Promise<void>;
}

/** Connects in the background: await `ready`. @throws ImError CONFIG_INVALID */
export function createRedisPresence(options: RedisPresenceOptions): RedisPresence {
  const { clock = systemClock, logger = silentLogger, metrics = noMetrics, gateway, leaseMs = 10_000 } = options;
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(gateway)) throw invalid('gateway: expected 1 to 64 of [A-Za-z0-9_-]');
  if (!Number.isSafeInteger(leaseMs) || leaseMs < 100) throw invalid('leaseMs: expected at least 100');
  const connection = connectRedis({
    url: options.url,
    name: 'im-presence',
    ...(options.cluster !== undefined && { cluster: options.cluster }),
    ...(options.timeoutMs !== undefined && { timeoutMs: options.timeoutMs }),
    clock,
    logger,
    metrics,
  });
  const keys = new PlaceKeys(options.prefix ?? 'im');
  const sessions = new OwnSessions(options.maxSessions ?? 4_000_000);
  const swept = metrics.counter('im_gateway_presence_swept_total', {
    help: 'Places from which the sessions of a process that is gone were taken out.',
  });
  const onSwept = (places: number) => swept.add(places);
  const writer = new PresenceWriter({ connection, keys, sessions, node: gateway, leaseMs, clock, logger, onSwept });
  const refused = metrics.counter('im_gateway_presence_refused_total', {
    help: 'Sessions that were not listed because there were too many.',
  });
  metrics.observe('im_gateway_presence_sessions', { help: 'Sessions that this process listed.' }, () => sessions.size);
  const presence: SharedPresence = { connection, keys, sessions, writer, refused, clock };
  return {
    online: new RedisOnlineList(presence),
    users: new RedisUserRegister(presence, gateway),
    ready: () => connection.ready(),
    settled: () => writer.settled(),
    async close() {
      await writer.close();
      await connection.close();
    },
  };
}

function invalid(mistake: string): ImError {
  return new ImError('CONFIG_INVALID', { message: mistake, details: { mistakes: [mistake] } });
}
