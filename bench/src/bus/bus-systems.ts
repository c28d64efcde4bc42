/** The buses that are compared, and the parts of which they consist. */
import { natsServerMissing, startNatsServer } from '../harness/nats-server.js';
import { redisServerMissing, startRedisServer } from '../harness/redis-server.js';
import type { ServerProcess } from '../harness/server-process.js';

interface StartedServer {
  readonly process: ServerProcess;
  readonly port: number;
  stop(): Promise<void>;
}

export interface BusSystem {
  readonly name: string;
  /** Its built programs `publisher.js`, `subscriber.js` and, where what is between them is its own, `node.js`; a folder of dist. */
  readonly folder: string;
  /** What is between them, where it is a program of others. */
  readonly server?: () => Promise<StartedServer>;
  /** Why it cannot be run here. */
  missing(): string | undefined;
}

export const imBus: BusSystem = { name: 'im', folder: 'systems/im-bus', missing: () => undefined };

export const busSystems: readonly BusSystem[] = [
  imBus,
  { name: 'nats', folder: 'peers/nats-bus', server: () => startNatsServer('anywhere'), missing: natsServerMissing },
  {
    name: 'redis',
    folder: 'peers/redis-bus',
    server: () => startRedisServer({ place: 'anywhere' }),
    missing: redisServerMissing,
  },
];
