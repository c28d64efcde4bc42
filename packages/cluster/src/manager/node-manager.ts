/** What a node manager knows and offers, however it is reached. */
import type { Topology } from '@im/protocol/ports';
import type { DrainOrder } from '../drain-order.js';
import type { JournalEntry } from './journal.js';
import type { NodeStatus, Refusal } from './node-table.js';
import type { DrainRequest } from './order-book.js';
import type { HeldBack } from './topology-keeper.js';

export interface ManagerStatus {
  readonly id: string;
  /** It does not publish yet: who lives has still to speak. */
  readonly isWarmingUp: boolean;
  readonly epoch: number;
  /** Those that live, by id. */
  readonly nodes: readonly NodeStatus[];
  /** The dead that are still in the topology, because too many died at once. */
  readonly heldBack?: HeldBack;
  readonly refused: readonly Refusal[];
  /** That stand: of nodes that are to be drained, or to stay after all. */
  readonly orders: readonly DrainOrder[];
}

export interface NodeManager {
  /** As it was published last, with loads of now; empty while it warms up. */
  topology(): Topology;
  status(): ManagerStatus;
  /** Who came, went, died and was refused, oldest first, and why the manager thinks so. */
  journal(): readonly JournalEntry[];
  /** Publishes losses that are held back, for somebody who knows that those nodes are dead. @returns how many */
  release(): number;
  /**
   * Has a gateway send its clients elsewhere and end. It is told within a beat, and goes on with it by itself: what becomes of it is seen
   * in `status`. @throws ImError INVALID_ARGUMENT: no such gateway, no other one that takes its clients
   */
  drain(request: DrainRequest): DrainOrder;
  /** Has a gateway that is being drained take clients again, unless it has begun to end. @throws ImError INVALID_ARGUMENT */
  keep(node: string): DrainOrder;
}
