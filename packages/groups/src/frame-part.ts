/**
 * What memberships that began at one place get of a frame: messages, and what is told as lost; each chunk is made once for all of them.
 * Must not know viewers, nor how the frame came about.
 */
import type { Delivery } from '@im/protocol';
import { Arrears } from './arrears.js';
import type { Budget } from './budget.js';
import { ChunkCache } from './chunk-cache.js';
import { type Losses, shedChunks } from './losses.js';
import type { Encoding } from './viewer.js';

const NONE: readonly Uint8Array[] = [];

export class FramePart {
  readonly #chunks: ChunkCache;
  #notices: Map<Encoding, readonly Uint8Array[]> | undefined;
  #conflatable: readonly Delivery[] | undefined;
  /** By what those had who were not written this. */
  #arrears: Map<Arrears | undefined, Arrears> | undefined;

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
  get conflatable(): readonly Delivery[] {
    this.#conflatable ??= this.deliveries.filter(({ terms }) => terms?.conflate !== undefined);
    return this.#conflatable;
  }

  /** What a member has that was not written this behind what it was not written before. @param budget of what is kept for all members */
  arrearsBehind(earlier: Arrears | undefined, budget: Budget): Arrears {
    this.#arrears ??= new Map();
    let arrears = this.#arrears.get(earlier);
    if (arrears === undefined) {
      arrears = new Arrears(earlier, this, budget);
      this.#arrears.set(earlier, arrears);
    }
    return arrears;
  }
}
