/**
 * Which nodes a cluster has: the types, and the port through which everybody who talks to nodes learns of them. Must not
 * know who finds it out (@im/cluster does) or how.
 */

/** One running process with a role. Lengths and numbers are bounded by whoever admits it to a topology. */
export interface NodeInfo {
  /** Name of the node, unique in the cluster and the same after a restart. */
  readonly id: string;
  /** Which run of it: another one after each start. */
  readonly incarnation: string;
  /** `gateway`, `broadcast`, `broker`, `worker`, `manager` or the application's own. */
  readonly role: string;
  /** Of its program. */
  readonly version: string;
  /** Where it is reached, by name: for a gateway `ws`, for a broadcast node those of its sockets. */
  readonly addresses: Readonly<Record<string, string>>;
  /** What the balancer sorts by beside load: `region`, `carrier`. */
  readonly labels: Readonly<Record<string, string>>;
  /** Its share, relative to nodes of the same role; 0 gets nothing new. */
  readonly weight: number;
  /** 0 is idle, 1 is full, when this topology was made. */
  readonly load: number;
  /** It serves whom it has and wants nobody new. */
  readonly draining: boolean;
  /** By its own clock, milliseconds since 1970: for people, and to tell two runs apart; never compared with another host's. */
  readonly startedAt: number;
}

export interface Topology {
  /** Only grows for whoever watches, from manager to manager; 0 before anything is known. */
  readonly epoch: number;
  /** By id, ascending. */
  readonly nodes: readonly NodeInfo[];
}

export const EMPTY_TOPOLOGY: Topology = { epoch: 0, nodes: [] };

export interface TopologySource {
  /** The last one known, also when nobody tells of newer ones any more. Never changed in place. */
  readonly current: Topology;
  /**
   * Called with every later topology, in order of epochs, not with the current one.
   * @returns ends it
   */
  subscribe(listener: (topology: Topology) => void): () => void;
}
