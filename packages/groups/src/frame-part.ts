/**
 * What memberships that began at one place get of a frame: messages, and what is told as lost; each chunk is made once for all of them.
 * Must not know viewers, nor how the frame came about.
 */
import type { Delivery } from '@im/protocol';
import { ChunkCache } from './chunk-cache.js';
import { Conflatable } from './conflation.js';
import { type Losses, shedChunks } from './losses.js';
import type { Encoding } from './viewer.js';

const NONE: readonly Uint8Array[] = [];

export class FramePart {
  readonly #chunks: ChunkCache;
  #notices: Map<Encoding, readonly Uint8Array[]> | undefined;
  #conflatable: readonly Conflatable[] | undefined;

  /** @param stretch where it begins @param conflated so many further messages the deliveries stand for */
  constructor(
    readonly group: string,
    readonly stretch: number,
    readonly deliveries: readonly Delivery[],
    readonly conflated: number,
    /** Undefined: nothing is lost. */
    readonly losses: Readonly<Losses> | undefined,
  ) {
    this.#chunks = new ChunkCache(deliveries);
  }

  /** There must be deliveries. */
  chunk(encoding: Encoding): Uint8Array {
    return this.#chunks.get(encoding, 0, this.deliveries.length);
  }

  /** Tell what is lost. */
  notices(encoding: Encoding): readonly Uint8Array[] {
    if (this.losses === undefined) return NONE;
    this.#notices ??= new Map();
    let notices = this.#notices.get(encoding);
    if (notices === undefined) {
      notices = shedChunks(encoding, this.group, this.losses);
      this.#notices.set(encoding, notices);
    }
    return notices;
  }

  /** Those of its deliveries that may be kept for a viewer that is congested. */
  get conflatable(): readonly Conflatable[] {
    this.#conflatable ??= this.deliveries
      .filter(({ terms }) => terms?.conflate !== undefined)
      .map((delivery) => new Conflatable(delivery));
    return this.#conflatable;
  }
}
