/** The ZeroMQ engine: publishers and subscribers of this process, broadcast nodes elsewhere. */
import { systemClock } from '@im/protocol/clock';
import { type Clock, type Logger, type Metrics, noMetrics, type Random, silentLogger } from '@im/protocol/ports';
import type { Context } from 'zeromq';
import { LinkBroadcast, type NodeBroadcast } from '../link/link-broadcast.js';
import type { NodeAddresses, NodeDirectory } from '../link/link-transport.js';
import { NodeLinks } from '../link/node-links.js';
import { openZeromqLinks, type PeerKeys } from './zeromq-link.js';

export interface ZeromqBroadcastOptions {
  /** The broadcast nodes: a fixed list, or a directory that changes. */
  readonly nodes: readonly NodeAddresses[] | NodeDirectory;
  /** Priority messages that no node has answered; beyond, publishers get QUEUE_FULL. Default 100,000. */
  readonly maxPriorityMessages?: number;
  /** Of bodies that wait, for each lane, with the same consequence. Default 64 MiB. */
  readonly maxLaneBytes?: number;
  /** A priority publication that no node has answered by then fails. Default 10,000. */
  readonly publishTimeoutMs?: number;
  /** What nodes that have keys want. */
  readonly keys?: PeerKeys | undefined;
  readonly context?: Context | undefined;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
}

/** Connects in the background: {@link NodeBroadcast.ready} tells when a node is in reach. */
export function createZeromqBroadcast(options: ZeromqBroadcastOptions): NodeBroadcast {
  const { nodes, keys, context, clock = systemClock, maxLaneBytes = 67_108_864, publishTimeoutMs = 10_000 } = options;
  const links = new NodeLinks({
    directory: 'onChange' in nodes ? nodes : { nodes, onChange: () => () => {} },
    open: openZeromqLinks({ keys, context }),
    clock,
    random: options.random ?? Math.random,
    logger: options.logger ?? silentLogger,
    metrics: options.metrics ?? noMetrics,
    defer: (run) => process.nextTick(run),
    maxPriorityMessages: options.maxPriorityMessages ?? 100_000,
    maxLaneBytes,
  });
  return new LinkBroadcast(links, { clock, maxLaneBytes, publishTimeoutMs });
}
