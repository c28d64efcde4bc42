/** What a node manager knows and offers, however it is reached. */
import type { Topology } from '@im/protocol/ports';
import type { JournalEntry } from './journal.js';
import type { NodeStatus, Refusal } from './node-table.js';
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
}

export interface NodeManager {
  /** As it was published last, with loads of now; empty while it warms up. */
  topology(): Topology;
  status(): ManagerStatus;
  /** Who came, went, died and was refused, oldest first, and why the manager thinks so. */
  journal(): readonly JournalEntry[];
  /** Publishes losses that are held back, for somebody who knows that those nodes are dead. @returns how many */
  release(): number;
}
