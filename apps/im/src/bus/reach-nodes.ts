/** Owns: publishing and subscribing at broadcast nodes in other processes. */
import { createZeromqBroadcast, type NodeBroadcast } from '@im/broadcast/zeromq';
import type { BrokerPlace } from '../rpc/broker-place.js';
import type { Ports } from '../server/engines.js';
import { nodeAddressesOf } from './node-address.js';
import { type NodePlace, namesOf } from './node-place.js';

const PATIENCE_MS = 3_000;
const NOT_YET = 'no broadcast node is in reach yet: do they run, do the keys fit?';

/** Settles when a node is in reach, or after a while all the same: then it says so in the log, and the rest goes on. */
export async function reachNodes(
  nodes: NodePlace['nodes'],
  keys: BrokerPlace['keys'],
  ports: Ports,
): Promise<NodeBroadcast> {
  const broadcast = createZeromqBroadcast({
    nodes: 'onChange' in nodes ? nodes : nodes.map(nodeAddressesOf),
    // Nodes have the keys of brokers.
    ...(keys !== undefined && { keys: { ...keys, nodeKey: keys.brokerKey } }),
    ...ports,
  });
  await broadcast.ready(PATIENCE_MS).catch(() => ports.logger.warn(NOT_YET, { nodes: namesOf(nodes) }));
  return broadcast;
}
