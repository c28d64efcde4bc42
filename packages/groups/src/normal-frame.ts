/**
 * What waits in a group's normal lane for the next frame: messages, and the count of those that are already lost.
 * Owns order, bounds and the arithmetic of memberships that began meanwhile. Must not know who the viewers are.
 *
 * Seams: admission (which messages go when too many wait) and conflation belong into {@link NormalFrame.add}; compression
 * into the encoding, since a chunk is made once for all.
 */
import type { Delivery } from '@im/protocol';
import { type Budget, weigh } from './budget.js';
import { ChunkCache } from './chunk-cache.js';
import { type Losses, noLosses, shedChunks } from './losses.js';
import type { Encoding } from './viewer.js';

/** Where in a frame a membership begins: that many messages and losses came before it. Shared by all that began there. */
export interface FrameStart {
  readonly messages: number;
  readonly losses: Readonly<Losses>;
}

export interface FrameLimits {
  readonly maxWaiting: number;
  readonly maxWaitingBytes: number;
}

const BEGINNING: FrameStart = { messages: 0, losses: noLosses() };

/** What is lost for the memberships of one start, and the chunks that tell it; shared like chunks of messages. */
export interface LossNotice {
  readonly losses: Readonly<Losses>;
  readonly chunks: readonly Uint8Array[];
}

export class NormalFrame {
  readonly #messages: Delivery[] = [];
  readonly #chunks = new ChunkCache(this.#messages);
  readonly #losses = noLosses();
  readonly #group: string;
  readonly #limits: FrameLimits;
  readonly #budget: Budget;
  #bytes = 0;
  #lossy = false;
  #here: FrameStart | undefined;
  #notice: { encoding: Encoding; start: FrameStart; notice: LossNotice } | undefined;

  constructor(group: string, limits: FrameLimits, budget: Budget) {
    this.#group = group;
    this.#limits = limits;
    this.#budget = budget;
  }

  get length(): number {
    return this.#messages.length;
  }

  /** Once full, the rest of the frame is dropped and counted. @returns whether it was taken */
  add(delivery: Delivery): boolean {
    this.#here = undefined;
    const bytes = weigh(delivery);
    const full =
      this.#losses.budget > 0 ||
      this.#messages.length >= this.#limits.maxWaiting ||
      this.#bytes + bytes > this.#limits.maxWaitingBytes ||
      !this.#budget.fits(bytes);
    if (full) {
      this.#lose('budget', 1);
      return false;
    }
    this.#messages.push(delivery);
    this.#bytes += bytes;
    this.#budget.take(bytes);
    return true;
  }

  /** Messages of the group were lost on their way here; undefined: unknown how many. */
  addLost(count: number | undefined): void {
    if (count === undefined) this.#lose('upstreamUnknown', 1);
    else this.#lose('upstream', count);
  }

  /** Where a membership begins that begins now. */
  here(): FrameStart {
    this.#here ??= { messages: this.#messages.length, losses: { ...this.#losses } };
    return this.#here;
  }

  /** How many messages there are for a membership that began at `start`. */
  count(start: FrameStart = BEGINNING): number {
    return this.#messages.length - start.messages;
  }

  /** Those messages; there must be some. */
  chunk(encoding: Encoding, start: FrameStart = BEGINNING): Uint8Array {
    return this.#chunks.get(encoding, start.messages, this.#messages.length);
  }

  /** Undefined when nothing is lost. */
  lossNotice(encoding: Encoding, start: FrameStart = BEGINNING): LossNotice | undefined {
    if (!this.#lossy) return undefined;
    const last = this.#notice;
    if (last?.encoding === encoding && last.start === start) return last.notice;
    const losses = {
      pressure: 0,
      budget: this.#losses.budget - start.losses.budget,
      upstream: this.#losses.upstream - start.losses.upstream,
      upstreamUnknown: this.#losses.upstreamUnknown - start.losses.upstreamUnknown,
    };
    const notice = { losses, chunks: shedChunks(encoding, this.#group, losses) };
    this.#notice = { encoding, start, notice };
    return notice;
  }

  /** Gives back the room it took; the frame is over. */
  discard(): void {
    this.#budget.give(this.#bytes);
    this.#bytes = 0;
  }

  #lose(what: 'budget' | 'upstream' | 'upstreamUnknown', count: number): void {
    this.#losses[what] += count;
    this.#lossy = true;
    this.#here = undefined;
    this.#notice = undefined;
  }
}
