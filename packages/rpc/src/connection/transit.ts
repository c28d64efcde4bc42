/**
 * How long messages waited on their way, from one sender's clock and ours without comparing them: the smallest
 * difference seen lately is the way itself, what exceeds it is waiting. Forgets after a while, because clocks drift.
 */

const FORGET_MS = 30_000;

export class Transit {
  /** Differences are taken modulo 2^32, and compared by which lies ahead of which: clocks start anywhere. */
  #smallest: number | undefined;
  #smallestBefore: number | undefined;
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
    // The operators of 32 bits take the modulus.
    const difference = (Math.floor(now) - sentAtMs) >>> 0;
    if (this.#local) return difference;
    if (now - this.#since > FORGET_MS) {
      this.#since = now;
      this.#smallestBefore = this.#smallest;
      this.#smallest = difference;
    }
    this.#smallest = smaller(this.#smallest ?? difference, difference);
    return (difference - smaller(this.#smallestBefore ?? this.#smallest, this.#smallest)) >>> 0;
  }
}

/** The one that lies behind the other: less than half the circle of numbers is between them. */
function smaller(one: number, other: number): number {
  return ((one - other) | 0) < 0 ? one : other;
}
