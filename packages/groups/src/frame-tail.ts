/**
 * What came after a frame had begun, and goes with it to members who have not got the frame yet: whoever is written late need not wait for
 * the next one. As long as nothing else comes it is the same for all. Must not know members.
 */
import type { Delivery } from '@im/protocol';
import { joined, lastOfKey } from './conflation.js';
import { FramePart } from './frame-part.js';
import type { FrameStart } from './normal-frame.js';

export class FrameTail {
  readonly #tail: readonly Delivery[];
  readonly #parts = new Map<FramePart, FramePart>();

  /** @param start where memberships begin that were written it, in the frame that it is the beginning of */
  constructor(
    tail: readonly Delivery[],
    readonly start: FrameStart,
  ) {
    this.#tail = tail;
  }

  /** Both as one, made once: messages of one key are one. What is told as lost is that of the part. */
  behind(part: FramePart): FramePart {
    let both = this.#parts.get(part);
    if (both === undefined) {
      const deliveries = [...part.deliveries];
      for (const delivery of this.#tail) append(deliveries, delivery);
      const conflated = deliveries.reduce((sum, delivery) => sum + (delivery.conflated ?? 0), 0);
      both = new FramePart(part.group, part.stretch, deliveries, conflated, part.losses);
      this.#parts.set(part, both);
    }
    return both;
  }
}

function append(deliveries: Delivery[], delivery: Delivery): void {
  const index = lastOfKey(deliveries, delivery);
  const earlier = deliveries[index];
  const both = earlier && joined(earlier, delivery);
  if (both !== undefined) deliveries.splice(index, 1);
  deliveries.push(both ?? delivery);
}
