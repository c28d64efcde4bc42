/**
 * What came after a frame had begun, and goes with it to members who have not got the frame yet: whoever is written late need not wait for
 * the next one. As long as nothing else comes it is the same for all. Must not know members.
 */
import type { Delivery } from '@im/protocol';
import { joined, keyOf } from './conflation.js';
import { FramePart } from './frame-part.js';
import type { FrameStart } from './normal-frame.js';

export class FrameTail {
  readonly #tail: readonly Delivery[];
  readonly #onSent: () => void;
  /** By the stretch of the frame's part. */
  readonly #parts = new Map<number, FramePart>();

  /**
   * @param start where memberships begin that were written it, in the frame that it is the beginning of
   * @param onSent called before the first of them is
   */
  constructor(
    tail: readonly Delivery[],
    readonly start: FrameStart,
    onSent: () => void,
  ) {
    this.#tail = tail;
    this.#onSent = onSent;
  }

  /** Both as one, to be written: made once, messages of one key are one. What is told as lost is that of the part. */
  behind(part: FramePart): FramePart {
    let both = this.#parts.get(part.stretch);
    if (both === undefined) {
      if (this.#parts.size === 0) this.#onSent();
      both = this.#make(part);
      this.#parts.set(part.stretch, both);
    }
    return both;
  }

  #make({ group, stretch, deliveries: own, conflatable, losses }: FramePart): FramePart {
    const earlier = new Map(conflatable.map((delivery) => [keyOf(delivery), delivery]));
    const replaced = new Set<Delivery>();
    const behind = this.#tail.map((delivery) => {
      const key = keyOf(delivery);
      const before = key === undefined ? undefined : earlier.get(key);
      const both = before && joined(before, delivery);
      if (before === undefined || both === undefined) return delivery;
      // Where a key is there twice, both are too much for one total.
      earlier.delete(key);
      replaced.add(before);
      return both;
    });
    const deliveries = own.filter((delivery) => !replaced.has(delivery)).concat(behind);
    const conflated = deliveries.reduce((sum, delivery) => sum + (delivery.conflated ?? 0), 0);
    return new FramePart(group, stretch, deliveries, conflated, losses);
  }
}
