/** The port to one broadcast node: two lanes of packs out, two lanes of packs in, and what is wanted. */
import type { Lane } from '@im/protocol';

/** Where a node is reached, by lane: `publish` takes packs, `subscribe` gives them. */
export interface NodeAddresses {
  /** Name of the node, stable over restarts: groups are shared out by it. */
  readonly id: string;
  readonly publish: Readonly<Record<Lane, string>>;
  readonly subscribe: Readonly<Record<Lane, string>>;
  /** It is about to leave: it gives and answers what it has, and gets nothing new while there is another. */
  readonly draining?: boolean;
}

/** Which nodes there are. */
export interface NodeDirectory {
  readonly nodes: readonly NodeAddresses[];
  /** @returns ends it */
  onChange(listener: () => void): () => void;
}

export interface LinkTransport {
  /** Settles when the node's socket has taken it; waits while it takes no more. Rejects once closed or abandoned. */
  send(lane: Lane, pack: Buffer): Promise<void>;
  /** Takes effect in the order of the calls, and again after each reconnect, then in any order. */
  subscribe(lane: Lane, topic: string): void;
  unsubscribe(lane: Lane, topic: string): void;
  /** Drops the packs that have not left this process. */
  abandon(lane: Lane): void;
  close(): void;
}

/** @param shared the second frame of a message, if it has one */
export type OnPack = (lane: Lane, pack: Buffer, shared: Buffer | undefined) => void;

export type OpenLink = (addresses: NodeAddresses, onPack: OnPack) => LinkTransport;
