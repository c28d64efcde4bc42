/**
 * What members were not written because their viewers were congested in the same frames: how much was lost, and the messages that are
 * conflated, which are kept while their keys are few. One object for all who missed the same: it does not change, whoever misses
 * more has others, and its chunks are made once. Must not know when it is written.
 */
import type { Delivery } from '@im/protocol';
import { type Budget, weigh } from './budget.js';
import { isOfOneKey, joined } from './conflation.js';
import type { FramePart } from './frame-part.js';
import { addLosses, type Losses, noLosses, shedChunks } from './losses.js';
import type { Encoding } from './viewer.js';

/** Keys kept; those beyond are shed. */
const MAX_KEPT = 32;

export class Arrears {
  /** How many messages of the last part are shed. */
  readonly shed: number;
  readonly #group: string;
  readonly #losses: Losses = noLosses();
  /** In the order of their last messages. A key is here twice only where both together are too much for one total. */
  readonly #kept: Delivery[];
  readonly #budget: Budget;
  #bytes: number;
  #holders = 0;
  #chunks: Map<Encoding, readonly Uint8Array[]> | undefined;

  /**
   * @param part what was not written either
   * @param budget of what is kept for all members; the earlier ones are in it
   */
  constructor(earlier: Arrears | undefined, part: FramePart, budget: Budget) {
    this.#group = part.group;
    this.#budget = budget;
    this.#kept = earlier === undefined ? [] : [...earlier.#kept];
    this.#bytes = earlier === undefined ? 0 : earlier.#bytes;
    const counted = this.#bytes;
    let shed = part.deliveries.length + part.conflated;
    for (const delivery of part.conflatable) if (this.#keep(delivery, counted)) shed -= 1 + (delivery.conflated ?? 0);
    this.shed = shed;
    if (earlier !== undefined) addLosses(this.#losses, earlier.#losses);
    if (part.losses !== undefined) addLosses(this.#losses, part.losses);
    this.#losses.pressure += shed;
  }

  /** What is kept: so many messages. */
  get length(): number {
    return this.#kept.length;
  }

  /** For so many further ones they stand. */
  get conflated(): number {
    return this.#kept.reduce((sum, delivery) => sum + (delivery.conflated ?? 0), 0);
  }

  /** A member has them: what is kept takes room, once for all. */
  hold(): void {
    if (this.#holders === 0) this.#budget.take(this.#bytes);
    this.#holders += 1;
  }

  /** A member has them no more. */
  release(): void {
    this.#holders -= 1;
    if (this.#holders === 0) this.#budget.give(this.#bytes);
  }

  /** Tell what is lost, and what is kept behind. Shared by those who hold them now. */
  chunks(encoding: Encoding): readonly Uint8Array[] {
    this.#chunks ??= new Map();
    let chunks = this.#chunks.get(encoding);
    if (chunks === undefined) {
      chunks = this.#encode(encoding);
      this.#chunks.set(encoding, chunks);
    }
    return chunks;
  }

  #encode(encoding: Encoding): readonly Uint8Array[] {
    const notices = shedChunks(encoding, this.#group, this.#losses);
    if (this.#kept.length === 0) return notices;
    return [...notices, this.#holders > 1 ? encoding.pushes(this.#kept) : encoding.pushesToOne(this.#kept)];
  }

  /** @param counted bytes of these that are in the budget @returns whether there is room for it */
  #keep(delivery: Delivery, counted: number): boolean {
    const kept = this.#kept;
    let index = kept.length - 1;
    while (index >= 0 && !isOfOneKey(kept[index] as Delivery, delivery)) index -= 1;
    const earlier = kept[index];
    const both = earlier && joined(earlier, delivery);
    if (both === undefined && kept.length >= MAX_KEPT) return false;
    const bytes = this.#bytes + weigh(delivery) - (earlier && both ? weigh(earlier) : 0);
    if (!this.#budget.fits(bytes - counted)) return false;
    if (both !== undefined) kept.splice(index, 1);
    kept.push(both ?? delivery);
    this.#bytes = bytes;
    return true;
  }
}
