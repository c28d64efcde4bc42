/**
 * How long messages waited on their way, from one sender's clock and ours without comparing them: the smallest
 * difference seen lately is the way itself, what exceeds it is waiting. Forgets after a while, because clocks drift.
 */

const FORGET_MS = 30_000;
const WRAP = 0x1_0000_0000;

export class Transit {
  #smallest = Number.POSITIVE_INFINITY;
  #smallestBefore = Number.POSITIVE_INFINITY;
  #since = Number.NEGATIVE_INFINITY;
  readonly #local: boolean;

  /** @param local the sender's clock is ours: all that it says is waiting */
  constructor(local: boolean) {
    this.#local = local;
  }

  /**
   * @param sentAtMs the sender's clock modulo 2^32
   * @param now our monotonic clock
   * @returns milliseconds, 0 for a message that came as fast as any
   */
  waited(sentAtMs: number, now: number): number {
    let difference = (Math.floor(now) - sentAtMs) % WRAP;
    if (difference < 0) difference += WRAP;
    if (this.#local) return difference;
    if (now - this.#since > FORGET_MS) {
      this.#since = now;
      this.#smallestBefore = this.#smallest;
      this.#smallest = difference;
    }
    const smallest = Math.min(this.#smallest, this.#smallestBefore);
    // The clocks' modulus lies between the two: what looks like 49 days is no waiting.
    if (difference < smallest || difference - smallest > WRAP / 2) {
      this.#smallest = difference;
      this.#smallestBefore = Number.POSITIVE_INFINITY;
      return 0;
    }
    if (difference < this.#smallest) this.#smallest = difference;
    return difference - smallest;
  }
}
