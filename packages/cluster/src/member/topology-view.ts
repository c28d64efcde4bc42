/**
 * What a member makes of what several managers say. A node is there as long as one manager that speaks has heard it: what
 * one manager cannot reach is no reason to leave it. When no manager speaks, everything stays as it was. Owns merging and
 * the member's epoch; knows no sockets.
 */
import { type Clock, EMPTY_TOPOLOGY, type NodeInfo, type Topology, type TopologySource } from '@im/protocol/ports';
import { MISSED_INTERVALS } from '../heartbeat.js';
import { areSameNodes, byId } from '../node-info.js';
import type { Beat, Published } from '../wire/manager-messages.js';

interface View {
  incarnation: string;
  /** Undefined until it has published. */
  topology: Topology | undefined;
  intervalMs: number;
  heardAt: number;
}

export interface TopologyViewOptions {
  readonly clock: Clock;
  /** A listener failed. */
  readonly onError: (error: unknown) => void;
}

/** Managers whose word is remembered. */
const MAX_MANAGERS = 64;
/** From one look at who is silent to the next; twice as long, and this process was away. */
export const VIEW_SWEEP_MS = 500;

export class TopologyView implements TopologySource {
  readonly #options: TopologyViewOptions;
  readonly #views = new Map<string, View>();
  readonly #listeners = new Set<(topology: Topology) => void>();
  #current: Topology = EMPTY_TOPOLOGY;
  #sweptAt: number;

  constructor(options: TopologyViewOptions) {
    this.#options = options;
    this.#sweptAt = options.clock.monotonic();
  }

  get current(): Topology {
    return this.#current;
  }

  /** Managers that speak. */
  get managers(): number {
    const now = this.#options.clock.monotonic();
    return [...this.#views.values()].filter((view) => isHeard(view, now)).length;
  }

  subscribe(listener: (topology: Topology) => void): () => void {
    // Wrapped, so that one function can be given twice.
    const own = (topology: Topology): void => listener(topology);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  published({ manager, incarnation, intervalMs, topology }: Published): void {
    const view = this.#hear(manager, intervalMs);
    if (view === undefined) return;
    const { topology: known } = view;
    // The bytes of one manager come in order; those of a new run replace all.
    if (view.incarnation === incarnation && known !== undefined && topology.epoch < known.epoch) return;
    view.incarnation = incarnation;
    view.topology = topology;
    this.#merge();
  }

  /** @returns whether a publication was missed: it is to be asked for */
  beat({ manager, incarnation, intervalMs, epoch }: Beat): boolean {
    const view = this.#hear(manager, intervalMs);
    // While it warms up, what an earlier run of it said stands.
    if (view === undefined || epoch === undefined) return false;
    return view.incarnation !== incarnation || view.topology?.epoch !== epoch;
  }

  /** Forgets what silent managers said, if another speaks. To be called each {@link VIEW_SWEEP_MS}. */
  sweep(): void {
    const now = this.#options.clock.monotonic();
    const wasAway = now - this.#sweptAt > 2 * VIEW_SWEEP_MS;
    this.#sweptAt = now;
    if (wasAway) for (const view of this.#views.values()) view.heardAt = now;
    const speaks = (view: View): boolean => view.topology !== undefined && isHeard(view, now);
    if (wasAway || ![...this.#views.values()].some(speaks)) return;
    const count = this.#views.size;
    for (const [manager, view] of this.#views) if (!isHeard(view, now)) this.#views.delete(manager);
    if (this.#views.size < count) this.#merge();
  }

  #hear(manager: string, intervalMs: number): View | undefined {
    const heardAt = this.#options.clock.monotonic();
    const known = this.#views.get(manager);
    if (known !== undefined) return Object.assign(known, { intervalMs, heardAt });
    if (this.#views.size >= MAX_MANAGERS) return undefined;
    const view = { incarnation: '', topology: undefined, intervalMs, heardAt };
    this.#views.set(manager, view);
    return view;
  }

  #merge(): void {
    const merged = new Map<string, NodeInfo>();
    let highest = this.#current.epoch;
    for (const { topology } of this.#views.values()) {
      if (topology === undefined) continue;
      highest = Math.max(highest, topology.epoch);
      for (const node of topology.nodes) {
        const other = merged.get(node.id);
        if (other === undefined || isLater(node, other)) merged.set(node.id, node);
      }
    }
    const nodes = [...merged.values()].sort(byId);
    const isSame = areSameNodes(nodes, this.#current.nodes);
    if (isSame && highest === this.#current.epoch) return;
    const epoch = isSame ? highest : Math.max(highest, this.#current.epoch + 1);
    const topology = { epoch, nodes };
    this.#current = topology;
    for (const listener of [...this.#listeners]) {
      try {
        listener(topology);
      } catch (error) {
        this.#options.onError(error);
      }
    }
  }
}

function isHeard({ heardAt, intervalMs }: View, now: number): boolean {
  return now - heardAt <= MISSED_INTERVALS * intervalMs;
}

/** Of two runs of a node, managers may know different ones for a moment: all members take the same. */
function isLater(node: NodeInfo, other: NodeInfo): boolean {
  if (node.startedAt !== other.startedAt) return node.startedAt > other.startedAt;
  return node.incarnation > other.incarnation;
}
