/** What one peer gets from the node: a pack under construction for each lane. Must not know sockets. */
import type { Lane } from '@im/protocol';
import { AliasTable } from '../wire/alias-table.js';
import { PACK_BYTES } from '../wire/bus-format.js';
import { DeliveryPackWriter } from '../wire/delivery-pack-writer.js';
import type { Interest } from './interest.js';

/** Sends what is complete. @param shared a publish pack that goes along, the same to all who want much of it */
export type SendPack = (lane: Lane, pack: Buffer, shared?: Buffer) => void;

export class LaneOutbox {
  readonly writer: DeliveryPackWriter;
  readonly #lane: Lane;
  readonly #node: number;
  readonly #send: SendPack;
  /** Whether the peer listens on this lane. */
  isOpen = false;
  /** Waits to be flushed. */
  isDue = false;
  #packs = 0;

  constructor(peer: string, lane: Lane, node: number, send: SendPack) {
    this.writer = new DeliveryPackWriter(peer, lane);
    this.#lane = lane;
    this.#node = node;
    this.#send = send;
  }

  get isFull(): boolean {
    return this.writer.bytes >= PACK_BYTES[this.#lane];
  }

  /** Leaves out the number of a pack: to the peer that is one that was lost. */
  skip(): void {
    this.#packs++;
  }

  flush(shared?: Buffer): void {
    if (this.writer.isEmpty) return;
    this.#packs++;
    this.#send(this.#lane, this.writer.take(this.#node, this.#packs), shared);
  }
}

export class PeerOutbox {
  readonly normal: LaneOutbox;
  readonly priority: LaneOutbox;
  /** What it wants. */
  readonly groups = new Set<string>();
  /** By its own numbers for groups. */
  readonly aliases = new AliasTable<Interest>();
  /**
   * What it wants of the publish pack at hand: offset, alias and position of each run, and how many bytes that is. Of one
   * message to many groups: where each name lies, and its position.
   */
  readonly picked: number[] = [];
  pickedBytes = 0;

  constructor(
    readonly peer: string,
    node: number,
    send: SendPack,
  ) {
    this.normal = new LaneOutbox(peer, 'normal', node, send);
    this.priority = new LaneOutbox(peer, 'priority', node, send);
  }
}
