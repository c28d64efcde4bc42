/** The outboxes of all peers, and when what is in them goes: when full, and when nothing more is at hand. */
import type { Lane } from '@im/protocol';
import { type LaneOutbox, PeerOutbox, type SendPack } from './peer-outbox.js';

export interface OutboxesOptions {
  /** Incarnation of the node. */
  readonly node: number;
  readonly send: SendPack;
  /** Runs it when nothing more is at hand. */
  readonly defer: (run: () => void) => void;
}

export class Outboxes {
  readonly #options: OutboxesOptions;
  readonly #peers = new Map<string, PeerOutbox>();
  readonly #due: Record<Lane, LaneOutbox[]> = { normal: [], priority: [] };
  #isFlushing = false;

  constructor(options: OutboxesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#peers.size;
  }

  get(peer: string): PeerOutbox | undefined {
    return this.#peers.get(peer);
  }

  all(): Iterable<PeerOutbox> {
    return this.#peers.values();
  }

  open(peer: string): PeerOutbox {
    let outbox = this.#peers.get(peer);
    if (outbox === undefined) {
      outbox = new PeerOutbox(peer, this.#options.node, this.#options.send);
      this.#peers.set(peer, outbox);
    }
    return outbox;
  }

  forget(peer: string): void {
    this.#peers.delete(peer);
  }

  /** Something was written into one. */
  written(outbox: LaneOutbox, lane: Lane): void {
    if (!outbox.isOpen) {
      // Nobody listens: what goes there would be dropped by the socket as well.
      outbox.writer.clear();
      return;
    }
    if (outbox.isFull) outbox.flush();
    if (outbox.isDue) return;
    outbox.isDue = true;
    this.#due[lane].push(outbox);
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    this.#options.defer(() => this.flush());
  }

  flush(): void {
    this.#isFlushing = false;
    for (const lane of ['priority', 'normal'] as const) {
      const due = this.#due[lane];
      this.#due[lane] = [];
      for (const outbox of due) {
        outbox.isDue = false;
        outbox.flush();
      }
    }
  }
}
