/** What nodes tell node managers about themselves. */
import type { NodeInfo } from '@im/protocol/ports';

/** The node lives, and is as it says. */
export interface Heartbeat {
  readonly kind: 'heartbeat';
  readonly node: NodeInfo;
  /** Of its work, by name: for people. */
  readonly figures: Readonly<Record<string, number>>;
  /** When the next one comes. Whoever misses three counts as dead. */
  readonly intervalMs: number;
  /** Of the topology that it goes by: no manager publishes a lower one. */
  readonly epoch: number;
}

/** The node goes, and nobody needs to wait until it is missed. */
export interface Bye {
  readonly kind: 'bye';
  readonly id: string;
  readonly incarnation: string;
}

export const DEFAULT_INTERVAL_MS = 1_000;
/** Heartbeats that may be missing. */
export const MISSED_INTERVALS = 3;
/** So that one more is always another number. */
export const MAX_EPOCH = 2 ** 50;
