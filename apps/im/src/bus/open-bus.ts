/** Owns: this process on the bus, by whichever engine: publishing, subscribing, reading the logs that go with it, and the records beside them. */
import type { Broadcast, Sequencer } from '@im/broadcast';
import type { RpcCaller } from '@im/rpc';
import type { Shutdown } from '@im/runtime';
import type { LogReader, RecordStore } from '@im/timeline';
import { namingFlags } from '../command.js';
import { createRelayedLogReader } from '../relay/relayed-log.js';
import { createRelayedRecords } from '../relay/relayed-records.js';
import type { BrokerPlace } from '../rpc/broker-place.js';
import type { Ports } from '../server/engines.js';
import type { BusPlace } from './bus-place.js';

export interface BusSurroundings {
  readonly place: BusPlace;
  readonly keys: BrokerPlace['keys'];
  /** Where logs and records are those of the one broadcast node; stays yours to close. */
  readonly caller: RpcCaller;
  readonly ports: Ports;
  readonly shutdown: Shutdown;
}

export interface OpenBus {
  readonly broadcast: Broadcast;
  readonly log: LogReader;
  readonly records: RecordStore;
}

/** @throws CommandError when the engine cannot be reached; of broadcast nodes that is only said in the log */
export async function openBus({ place, keys, caller, ports, shutdown }: BusSurroundings): Promise<OpenBus> {
  const add = (broadcast: Broadcast) => shutdown.add({ name: 'broadcast', stop: () => broadcast.close() });
  if (place.engine === 'zeromq') {
    const { reachNodes } = await import('./reach-nodes.js');
    const broadcast = await reachNodes(place.nodes, keys, ports);
    add(broadcast);
    if (place.redis === undefined) {
      return { broadcast, log: createRelayedLogReader(caller), records: createRelayedRecords(caller) };
    }
    const log = await openLogs(place.redis, ports, shutdown);
    return { broadcast, log, records: log.records };
  }
  // Published messages are appended until the bus has closed, so the logs close after it.
  const log = await openLogs(place.redis, ports, shutdown);
  const broadcast = await joinBus(place, log, ports);
  add(broadcast);
  return { broadcast, log, records: log.records };
}

async function openLogs(redis: string, ports: Ports, shutdown: Shutdown) {
  const { openLogReader } = await import('../server/redis-engines.js');
  return openLogReader(redis, ports, shutdown);
}

/** @throws CommandError */
async function joinBus(
  place: Exclude<BusPlace, { engine: 'zeromq' }>,
  sequencer: Sequencer,
  ports: Ports,
): Promise<Broadcast> {
  if (place.engine === 'redis') {
    const { createRedisBroadcast } = await import('@im/broadcast/redis');
    const { redis } = place;
    return createRedisBroadcast({ redis, sequencer, ...ports }).catch(namingFlags('--redis or IM_REDIS'));
  }
  const { createNatsBroadcast } = await import('@im/broadcast/nats');
  const { nats } = place;
  return createNatsBroadcast({ nats, sequencer, ...ports }).catch(namingFlags('--nats or IM_NATS'));
}
