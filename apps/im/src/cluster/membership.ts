/** Owns: this process's part in the cluster: waiting for the topology, telling the load. */
import { performance } from 'node:perf_hooks';
import { type ClusterMember, joinCluster } from '@im/cluster/zeromq';
import type { Logger, Metrics } from '@im/protocol/ports';
import { type Shutdown, systemClock, type Timer } from '@im/runtime';
import type { BrokerPlace } from '../rpc/broker-place.js';
import { managerPortsOf } from './manager-address.js';

export interface MembershipOptions {
  /** How people name them; not empty. */
  readonly managers: readonly string[];
  /** Managers have those of brokers. */
  readonly keys: BrokerPlace['keys'];
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Read each time, and told with the load. */
  readonly figures: ReadonlyMap<string, () => number>;
  readonly shutdown: Shutdown;
}

const LOAD_MS = 1_000;
const PATIENCE_MS = 5_000;
const NOT_YET = 'no node manager has told who is in the cluster yet: do they run, do the keys fit?';

/** As {@link joinMembership}. Settles when it knows the topology, or after a while all the same: then it says so in the log. */
export async function openMembership(options: MembershipOptions): Promise<ClusterMember> {
  const member = joinMembership(options);
  const { managers, logger } = options;
  await member.ready(PATIENCE_MS).catch(() => logger.warn(NOT_YET, { managers }));
  return member;
}

/** A member that only listens, until it is announced. What it was told stands when it stops. */
export function joinMembership(options: MembershipOptions): ClusterMember {
  const { managers, keys, logger, metrics, figures, shutdown } = options;
  const member = joinCluster({
    managers: managers.map(managerPortsOf),
    ...(keys !== undefined && { keys: { ...keys, managerKey: keys.brokerKey } }),
    ...{ clock: systemClock, logger, metrics },
  });
  const endTelling = tellLoad(member, figures);
  shutdown.add({
    name: 'cluster',
    stop: () => {
      endTelling();
      return member.close();
    },
  });
  return member;
}

/** How busy the event loop was since it was told last: the limit of a Node process. @returns ends it */
function tellLoad(member: ClusterMember, figures: ReadonlyMap<string, () => number>): () => void {
  let last = performance.eventLoopUtilization();
  let timer: Timer;
  const tell = (): void => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    const load = Math.round(Math.min(1, Math.max(0, utilization || 0)) * 1_000) / 1_000;
    member.setLoad(load, {
      residentBytes: process.memoryUsage.rss(),
      uptimeSeconds: Math.round(process.uptime()),
      ...Object.fromEntries([...figures].map(([name, read]) => [name, read()])),
    });
    timer = systemClock.after(LOAD_MS, tell, { background: true });
  };
  timer = systemClock.after(LOAD_MS, tell, { background: true });
  return () => timer.cancel();
}
