/**
 * Pushing straight to the broadcast nodes, over ZeroMQ, from any process that reaches them. Which nodes there are it hears
 * from the node managers, as long as it runs; composes, must not know how either of them is spoken to.
 */
import {
  createZeromqBroadcast,
  type NodeAddresses,
  type NodeBroadcast,
  type NodeDirectory,
} from '@im/broadcast/zeromq';
import { broadcastNodes } from '@im/cluster';
import { joinCluster, type ManagerAddress } from '@im/cluster/zeromq';
import { systemClock } from '@im/protocol/clock';
import { type Clock, type Logger, type Metrics, noMetrics, silentLogger } from '@im/protocol/ports';
import type { RpcCaller } from '@im/rpc';
import { publisherRoute } from '../publisher-push-client.js';
import type { PushClient } from '../push-client.js';
import {
  checkOwnProduct,
  type PushRoute,
  RoutedPushClient,
  type RoutedPushClientOptions,
} from '../routed-push-client.js';

/** Of a backend: its own pair, and the public key that nodes and managers share. Z85 text. */
export interface PushKeys {
  readonly publicKey: string;
  readonly secretKey: string;
  readonly nodeKey: string;
}

/** Where the broadcast nodes are: told by node managers as they come and go, or named once and for all. */
type PushNodes = { readonly managers: readonly ManagerAddress[] } | { readonly nodes: readonly NodeAddresses[] };

export type ZeromqPushClientOptions = PushNodes & {
  /** What nodes and managers that have keys want. */
  readonly keys?: PushKeys | undefined;
  /** At the brokers, for pushes that ask for a receipt; stays yours to close. Without: those are refused with RECEIPTS_UNSERVED. */
  readonly receipts?: RpcCaller | undefined;
  /** Pushes reach this product alone. Without: those that belong to none, or the one a push names. */
  readonly product?: string | undefined;
  /** Groups of priority pushes that no node has answered; beyond, pushes are refused with QUEUE_FULL. Default 100,000. */
  readonly maxPending?: number | undefined;
  /** Of data that waits, for each lane, with the same consequence. Default 64 MiB. */
  readonly maxPendingBytes?: number | undefined;
  /** A priority push that no node has answered by then fails. Default 10,000. */
  readonly timeoutMs?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly logger?: Logger | undefined;
  readonly metrics?: Metrics | undefined;
};

interface Ports {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface ZeromqPushClient extends PushClient {
  /** Resolves when a broadcast node is in reach. @throws ImError UNAVAILABLE (retryable) when none is in time */
  ready(timeoutMs: number): Promise<void>;
}

/**
 * Connects in the background. While no node is in reach, pushes on the normal lane fail with UNAVAILABLE (nothing was
 * taken), those on the priority lane wait. What a node that dies has not answered goes to the one that has the group then, under the
 * same id; so it is published once, whatever the dead one had done.
 * @throws ImError INVALID_ARGUMENT for a product outside the grammar
 */
export function createZeromqPushClient(options: ZeromqPushClientOptions): ZeromqPushClient {
  const { keys, receipts, product, maxPending, maxPendingBytes, timeoutMs } = options;
  const { clock = systemClock, logger = silentLogger, metrics = noMetrics } = options;
  checkOwnProduct(product);
  const ports = { clock, logger, metrics };
  const { nodes, leave } = findNodes(options, ports);
  const broadcast = createZeromqBroadcast({
    ...{ nodes, keys },
    ...(maxPending !== undefined && { maxPriorityMessages: maxPending }),
    ...(maxPendingBytes !== undefined && { maxLaneBytes: maxPendingBytes }),
    ...(timeoutMs !== undefined && { publishTimeoutMs: timeoutMs }),
    ...ports,
  });
  const close = async (): Promise<void> => {
    await broadcast.close();
    await leave();
  };
  const route = { ...publisherRoute(broadcast.createPublisher(), receipts), close };
  return new NodePushClient(route, broadcast, { clock, product });
}

class NodePushClient extends RoutedPushClient implements ZeromqPushClient {
  readonly #broadcast: NodeBroadcast;

  constructor(route: PushRoute, broadcast: NodeBroadcast, options: RoutedPushClientOptions) {
    super(route, options);
    this.#broadcast = broadcast;
  }

  ready(timeoutMs: number): Promise<void> {
    return this.#broadcast.ready(timeoutMs);
  }
}

interface KnownNodes {
  readonly nodes: readonly NodeAddresses[] | NodeDirectory;
  leave(): Promise<void>;
}

function findNodes(place: PushNodes & Pick<ZeromqPushClientOptions, 'keys'>, ports: Ports): KnownNodes {
  if ('nodes' in place) return { nodes: place.nodes, leave: async () => {} };
  const { managers, keys } = place;
  const member = joinCluster({ managers, ...(keys && { keys: { ...keys, managerKey: keys.nodeKey } }), ...ports });
  return { nodes: broadcastNodes(member), leave: () => member.close() };
}
