/**
 * Which topology is published, and when. Owns the epoch, the warm-up, and what is held back: half of a cluster does not
 * die at once as often as a network breaks. Knows neither sockets nor how it is found out who lives.
 *
 * Epochs are Lamport's logical clocks (1978): nodes say in heartbeats by which epoch they go, and a manager takes over a
 * higher one before it counts on. So they grow over restarts of managers and from manager to manager, and no clock of a
 * host is asked.
 */
import type { Clock, NodeInfo, Topology } from '@im/protocol/ports';
import { MAX_EPOCH } from '../heartbeat.js';
import { byId } from '../node-info.js';

export interface TopologyKeeperOptions {
  readonly clock: Clock;
  /** Nothing is published before: who lives has spoken by then. */
  readonly warmUpMs: number;
  /** Nodes that died one after the other within this time died at once, and are judged together. */
  readonly gatherMs: number;
  /** Losses this close to each other count together. */
  readonly lossWindowMs: number;
  /** Losses that were held back for so long are published after all. */
  readonly holdMs: number;
}

export interface HeldBack {
  /** The dead that are still in the topology, by id. */
  readonly ids: readonly string[];
  readonly forMs: number;
}

export class TopologyKeeper {
  readonly #options: TopologyKeeperOptions;
  readonly #warmUntil: number;
  readonly #listed = new Map<string, NodeInfo>();
  /** Dead and still listed, with the time of death. */
  readonly #pending = new Map<string, number>();
  /** Dead and not listed any more, with the time of death: for as long as they count. */
  readonly #recent = new Map<string, number>();
  /** How many were listed before the first of those died. */
  #baseline = 0;
  #heldSince: number | undefined;
  #isReleased = false;
  #isChanged = false;
  /** The epoch was taken over, and members are to know. */
  #isRaised = false;
  #epoch = 0;
  #topology: Topology | undefined;

  constructor(options: TopologyKeeperOptions) {
    this.#options = options;
    this.#warmUntil = options.clock.monotonic() + options.warmUpMs;
  }

  /** What was published last; undefined while it is warming up. */
  get topology(): Topology | undefined {
    return this.#topology;
  }

  get heldBack(): HeldBack | undefined {
    if (this.#heldSince === undefined) return undefined;
    return { ids: [...this.#pending.keys()].sort(), forMs: this.#options.clock.monotonic() - this.#heldSince };
  }

  /** The node lives: it is new, came back or has changed. */
  admit(node: NodeInfo): void {
    this.#pending.delete(node.id);
    this.#recent.delete(node.id);
    this.#listed.set(node.id, node);
    this.#isChanged = true;
  }

  /** The node has said good bye. */
  remove(id: string): void {
    this.#pending.delete(id);
    if (this.#listed.delete(id)) this.#isChanged = true;
  }

  /** The node is silent. */
  lose(id: string): void {
    if (!this.#listed.has(id) || this.#pending.has(id)) return;
    if (this.#pending.size === 0 && this.#recent.size === 0) this.#baseline = this.#listed.size;
    this.#pending.set(id, this.#options.clock.monotonic());
  }

  /** Somebody goes by this epoch: ours gets no lower one. */
  heard(epoch: number): void {
    if (epoch <= this.#epoch || epoch > MAX_EPOCH) return;
    this.#epoch = epoch;
    this.#isRaised = true;
  }

  /** The operator knows that they are dead. @returns how many nodes go */
  release(): number {
    this.#isReleased = this.#heldSince !== undefined;
    return this.#isReleased ? this.#pending.size : 0;
  }

  /** To be called often. @returns what is to be published */
  tick(): Topology | undefined {
    const now = this.#options.clock.monotonic();
    if (now < this.#warmUntil) return undefined;
    this.#forget(now);
    this.#judge(now);
    const published = this.#topology;
    if (this.#isChanged || published === undefined) {
      this.#epoch++;
      this.#topology = { epoch: this.#epoch, nodes: [...this.#listed.values()].sort(byId) };
    } else if (this.#isRaised) {
      // Not one more: managers would drive each other up for ever.
      this.#topology = { epoch: this.#epoch, nodes: published.nodes };
    } else {
      return undefined;
    }
    this.#isChanged = false;
    this.#isRaised = false;
    return this.#topology;
  }

  #forget(now: number): void {
    for (const [id, diedAt] of this.#recent) {
      if (now - diedAt > this.#options.lossWindowMs) this.#recent.delete(id);
    }
  }

  #judge(now: number): void {
    const { gatherMs, holdMs } = this.#options;
    const [firstDiedAt] = this.#pending.values();
    if (firstDiedAt === undefined) {
      this.#heldSince = undefined;
      this.#isReleased = false;
      return;
    }
    if (now - firstDiedAt < gatherMs) return;
    const isMost = (this.#pending.size + this.#recent.size) * 2 > this.#baseline;
    if (isMost && !this.#isReleased) {
      this.#heldSince ??= now;
      if (now - this.#heldSince < holdMs) return;
    }
    for (const [id, diedAt] of this.#pending) {
      this.#listed.delete(id);
      // Those that were let go knowingly are no reason to hold back the next ones.
      if (!isMost) this.#recent.set(id, diedAt);
    }
    if (isMost) this.#recent.clear();
    this.#pending.clear();
    this.#heldSince = undefined;
    this.#isReleased = false;
    this.#isChanged = true;
  }
}
