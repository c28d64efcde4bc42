/**
 * Which nodes live, by their heartbeats. Owns what is believed of each and why; knows neither sockets nor what is
 * published. Goes by its own monotonic clock alone: what clock a node has does not matter.
 */
import type { Clock, NodeInfo } from '@im/protocol/ports';
import { type Bye, type Heartbeat, MISSED_INTERVALS } from '../heartbeat.js';
import { isSameNode, isSamePlace } from '../node-info.js';

export type RefusalReason = 'duplicate' | 'full';

/** What a heartbeat, a farewell or silence has changed. */
export type NodeEvent =
  | { readonly kind: 'came' | 'changed' | 'restarted' | 'left'; readonly node: NodeInfo }
  | { readonly kind: 'died'; readonly node: NodeInfo; readonly silentMs: number }
  | { readonly kind: 'refused'; readonly node: NodeInfo; readonly reason: RefusalReason };

export interface NodeStatus {
  readonly node: NodeInfo;
  readonly figures: Readonly<Record<string, number>>;
  readonly silentMs: number;
}

/** A run of a node that is not let in while this lasts. */
export interface Refusal {
  readonly id: string;
  readonly incarnation: string;
  readonly reason: RefusalReason;
}

interface Entry {
  node: NodeInfo;
  figures: Readonly<Record<string, number>>;
  intervalMs: number;
  heardAt: number;
  /** The run whose place this one took: when it speaks again, there are two. */
  former: string | undefined;
}

interface RefusedEntry extends Refusal {
  heardAt: number;
  intervalMs: number;
}

export interface NodeTableOptions {
  readonly clock: Clock;
  readonly maxNodes: number;
}

/** Remembered at a time; beyond, who is refused is not told. */
const MAX_REFUSED = 256;
/** From one sweep to the next; twice as long, and this process was away and judges nobody by the time. */
export const SWEEP_MS = 500;

export class NodeTable {
  readonly #clock: Clock;
  readonly #maxNodes: number;
  readonly #entries = new Map<string, Entry>();
  readonly #refused = new Map<string, RefusedEntry>();
  #sweptAt: number;

  constructor({ clock, maxNodes }: NodeTableOptions) {
    this.#clock = clock;
    this.#maxNodes = maxNodes;
    this.#sweptAt = clock.monotonic();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** @returns what is new about it; a refusal once for as long as it lasts */
  heartbeat(heartbeat: Heartbeat): NodeEvent | undefined {
    const { node } = heartbeat;
    const entry = this.#entries.get(node.id);
    if (entry === undefined) {
      if (this.#entries.size >= this.#maxNodes) return this.#refuse(heartbeat, 'full');
      this.#put(heartbeat, undefined);
      return { kind: 'came', node };
    }
    const known = entry.node;
    if (known.incarnation === node.incarnation) {
      this.#put(heartbeat, entry.former);
      return isSameNode(known, node) ? undefined : { kind: 'changed', node };
    }
    // Two runs cannot be at one place at a time, unless the one that was thought gone speaks again.
    if (entry.former === node.incarnation || !isSamePlace(known, node)) return this.#refuse(heartbeat, 'duplicate');
    this.#put(heartbeat, known.incarnation);
    return { kind: 'restarted', node };
  }

  bye({ id, incarnation }: Bye): NodeEvent | undefined {
    this.#refused.delete(keyOf(id, incarnation));
    const entry = this.#entries.get(id);
    if (entry?.node.incarnation !== incarnation) return undefined;
    this.#entries.delete(id);
    return { kind: 'left', node: entry.node };
  }

  /** Finds the dead. To be called each {@link SWEEP_MS}. */
  sweep(): NodeEvent[] {
    const now = this.#clock.monotonic();
    const wasAway = now - this.#sweptAt > 2 * SWEEP_MS;
    this.#sweptAt = now;
    const died: NodeEvent[] = [];
    for (const [id, entry] of this.#entries) {
      // What came meanwhile is still to be read.
      if (wasAway) entry.heardAt = now;
      const silentMs = now - entry.heardAt;
      if (silentMs <= MISSED_INTERVALS * entry.intervalMs) continue;
      this.#entries.delete(id);
      died.push({ kind: 'died', node: entry.node, silentMs });
    }
    for (const [key, entry] of this.#refused) {
      if (now - entry.heardAt > MISSED_INTERVALS * entry.intervalMs) this.#refused.delete(key);
    }
    return died;
  }

  /** As they were in their last heartbeats. */
  statuses(): NodeStatus[] {
    const now = this.#clock.monotonic();
    return [...this.#entries.values()].map(({ node, figures, heardAt }) => ({
      node,
      figures,
      silentMs: now - heardAt,
    }));
  }

  nodeOf(id: string): NodeInfo | undefined {
    return this.#entries.get(id)?.node;
  }

  refusals(): Refusal[] {
    return [...this.#refused.values()].map(({ id, incarnation, reason }) => ({ id, incarnation, reason }));
  }

  #put({ node, figures, intervalMs }: Heartbeat, former: string | undefined): void {
    if (this.#refused.size > 0) this.#refused.delete(keyOf(node.id, node.incarnation));
    this.#entries.set(node.id, { node, figures, intervalMs, heardAt: this.#clock.monotonic(), former });
  }

  #refuse({ node, intervalMs }: Heartbeat, reason: RefusalReason): NodeEvent | undefined {
    const { id, incarnation } = node;
    const key = keyOf(id, incarnation);
    const heardAt = this.#clock.monotonic();
    const known = this.#refused.get(key);
    if (known === undefined && this.#refused.size >= MAX_REFUSED) return undefined;
    this.#refused.set(key, { id, incarnation, reason, heardAt, intervalMs });
    return known === undefined ? { kind: 'refused', node, reason } : undefined;
  }
}

/** Neither has spaces. */
const keyOf = (id: string, incarnation: string): string => `${id} ${incarnation}`;
