/**
 * Counts what is missing: numbers of normal messages by group and sender. Pure state; must not know subscribers.
 *
 * A sender that is first heard of may have published before the subscription: what its numbers say is then taken as they
 * are, and only what it says it lost counts.
 */
import type { PubSubMessageHandler } from '../wire/delivery-codec.js';

type RunHead = Parameters<PubSubMessageHandler['onRun']>[0];

/** Of one group; beyond, the one heard of first is forgotten. */
const MAX_SENDERS = 256;

export class LossBook {
  /** The number that is expected next, by group and sender. */
  readonly #expected = new Map<string, Map<number, number>>();

  /** How many messages of the group are missing before the run, and what it says was lost. */
  note(group: string, { sender, first, lost, count }: RunHead): number {
    let senders = this.#expected.get(group);
    if (senders === undefined) {
      senders = new Map();
      this.#expected.set(group, senders);
    }
    const expected = senders.get(sender);
    // Without messages it only tells a loss, which this one may not have suffered.
    if (expected !== undefined && count === 0 && first <= expected) return 0;
    if (expected === undefined && senders.size >= MAX_SENDERS) forgetFirst(senders);
    senders.set(sender, first + count);
    if (expected === undefined) return lost;
    // Below what is expected the sender has begun to count anew.
    return first < expected ? lost : first - expected;
  }

  /** Nobody subscribes it any more. */
  forget(group: string): void {
    this.#expected.delete(group);
  }

  clear(): void {
    this.#expected.clear();
  }
}

function forgetFirst(senders: Map<number, number>): void {
  for (const sender of senders.keys()) {
    senders.delete(sender);
    return;
  }
}
