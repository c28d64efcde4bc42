/**
 * What one member was not written because its viewer was congested: how much was lost, and the messages that are conflated, which are kept
 * while their keys are few. Must not know when it is written.
 */
import type { Delivery } from '@im/protocol';
import { type Budget, weigh } from './budget.js';
import { type Conflatable, isOfOneKey } from './conflation.js';
import type { FramePart } from './frame-part.js';
import { addLosses, noLosses, shedChunks } from './losses.js';
import type { Encoding } from './viewer.js';

/** Keys kept for a member; those beyond are shed. */
const MAX_KEPT = 32;

export class Arrears {
  readonly #losses = noLosses();
  /** In the order of their last messages. A key is here twice only where both together are too much for one total. */
  readonly #kept: Delivery[] = [];
  readonly #budget: Budget;

  /** @param budget of what is kept for all members */
  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** A part of a frame is not written. @returns how many of its messages are shed for that */
  add(part: FramePart): number {
    let shed = part.deliveries.length + part.conflated;
    for (const one of part.conflatable) if (this.#keep(one)) shed -= 1 + (one.delivery.conflated ?? 0);
    this.#losses.pressure += shed;
    if (part.losses !== undefined) addLosses(this.#losses, part.losses);
    return shed;
  }

  /** Tell what is lost. */
  notices(encoding: Encoding, group: string): Uint8Array[] {
    return shedChunks(encoding, group, this.#losses);
  }

  /** What is kept, in order: its own array. */
  get deliveries(): readonly Delivery[] {
    return this.#kept;
  }

  /** Gives back the room it took. It is over. */
  discard(): void {
    for (const delivery of this.#kept) this.#budget.give(weigh(delivery));
  }

  #keep(one: Conflatable): boolean {
    const kept = this.#kept;
    let index = kept.length - 1;
    while (index >= 0 && !isOfOneKey(kept[index] as Delivery, one.delivery)) index -= 1;
    const earlier = kept[index];
    const both = earlier && one.behind(earlier);
    if (both === undefined && kept.length >= MAX_KEPT) return false;
    const bytes = weigh(one.delivery) - (earlier && both ? weigh(earlier) : 0);
    if (!this.#budget.fits(bytes)) return false;
    if (both !== undefined) kept.splice(index, 1);
    kept.push(both ?? one.delivery);
    this.#budget.take(bytes);
    return true;
  }
}
