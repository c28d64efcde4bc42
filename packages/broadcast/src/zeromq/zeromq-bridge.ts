/** Bridges between cells on ZeroMQ: one of them as a process's sockets, and all of them as those see it who use them. */
import { type BridgeLimits, BridgeNode } from '../bridge/bridge-node.js';
import { BridgePool } from '../bridge/bridge-pool.js';
import type { NodeBroadcast } from '../link/link-broadcast.js';
import type { NodeAddresses } from '../link/link-transport.js';
import { createZeromqBroadcast, type ZeromqBroadcastOptions } from './zeromq-broadcast.js';
import { type NodeSocketsOptions, openNodeSockets, type ZeromqNode } from './zeromq-node.js';

export interface ZeromqBridgeOptions extends BridgeLimits, NodeSocketsOptions {
  /** The broadcast nodes of the home cell. Used, not owned: to be closed afterwards. */
  readonly home: NodeBroadcast;
  /** Whether a group's home is there; nothing else passes. */
  readonly isHome: (group: string) => boolean;
}

/**
 * Settles when it can be reached; it answers its peers while a node of the home cell is in reach.
 * @throws ImError CONFIG_INVALID for an address that must not be bound, or cannot be
 */
export function createZeromqBridge(options: ZeromqBridgeOptions): Promise<ZeromqNode> {
  const { home } = options;
  return openNodeSockets(options, (ports) => {
    const bridge = new BridgeNode({ ...options, ...ports });
    bridge.setReach(home.nodesInReach > 0);
    home.onReach((nodes) => bridge.setReach(nodes > 0));
    return bridge;
  });
}

export interface ZeromqBridgesOptions extends Omit<ZeromqBroadcastOptions, 'nodes'> {
  /** All bridges to one cell; at least one. */
  readonly bridges: readonly NodeAddresses[];
}

/** The groups of another cell, over whichever of its bridges are in reach. */
export function createZeromqBridges({ bridges, ...options }: ZeromqBridgesOptions): BridgePool {
  return new BridgePool({
    bridges: bridges.map((addresses) => ({
      id: addresses.id,
      broadcast: createZeromqBroadcast({ ...options, nodes: [addresses] }),
    })),
    publishing: createZeromqBroadcast({ ...options, nodes: bridges }),
  });
}
