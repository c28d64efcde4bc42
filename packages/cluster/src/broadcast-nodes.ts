/** Broadcast nodes of a topology, as the ZeroMQ engine of @im/broadcast wants them, and how they tell of themselves. */
import type { NodeAddresses, NodeDirectory } from '@im/broadcast/zeromq';
import type { NodeInfo, TopologySource } from '@im/protocol/ports';

export const BROADCAST_ROLE = 'broadcast';

/** What a broadcast node says in its heartbeats. */
export function addressesOfBroadcastNode({ publish, subscribe }: NodeAddresses): Readonly<Record<string, string>> {
  return {
    'publish.normal': publish.normal,
    'publish.priority': publish.priority,
    'subscribe.normal': subscribe.normal,
    'subscribe.priority': subscribe.priority,
  };
}

/** For `createZeromqBroadcast({ nodes })`: changes with the topology, and stays when no manager speaks. */
export function broadcastNodes(source: TopologySource): NodeDirectory {
  return {
    get nodes() {
      return source.current.nodes.flatMap(asBroadcastNode);
    },
    onChange: (listener) => source.subscribe(() => listener()),
  };
}

/** @returns none for what is no broadcast node, or does not say where it is */
function asBroadcastNode({ id, role, addresses, draining }: NodeInfo): NodeAddresses[] {
  const [publishNormal, publishPriority] = [addresses['publish.normal'], addresses['publish.priority']];
  const [subscribeNormal, subscribePriority] = [addresses['subscribe.normal'], addresses['subscribe.priority']];
  if (role !== BROADCAST_ROLE || !publishNormal || !publishPriority || !subscribeNormal || !subscribePriority)
    return [];
  return [
    {
      id,
      publish: { normal: publishNormal, priority: publishPriority },
      subscribe: { normal: subscribeNormal, priority: subscribePriority },
      ...(draining && { draining }),
    },
  ];
}
