/**
 * Rates with a burst, one number each: the time at which the bucket is full again. So there may be very many buckets of one rate, and
 * one that was not touched for a while is as good as new. State only: the caller says what time it is.
 */

/** Sums of fractions are not exact. */
const TOLERANCE_MS = 1e-6;

/** Shared by all buckets of one rate. What would cost more than a full bucket costs a full one: else it could never be. */
export class Rate {
  readonly #msPerToken: number;
  readonly #fullMs: number;

  constructor(perSecond: number, capacity: number) {
    this.#msPerToken = 1_000 / perSecond;
    this.#fullMs = capacity * this.#msPerToken;
  }

  /**
   * Takes from a bucket.
   * @param fullAt the bucket: 0 is a full one
   * @param now monotonic milliseconds
   * @returns the bucket afterwards; `undefined` when there is less in it, and nothing is taken
   */
  take(fullAt: number, now: number, count = 1): number | undefined {
    const afterwards = Math.max(fullAt, now) + this.#costMs(count);
    return afterwards - now > this.#fullMs + TOLERANCE_MS ? undefined : afterwards;
  }

  /** Milliseconds until there are so many in a bucket that has fewer. */
  retryAfterMs(fullAt: number, now: number, count = 1): number {
    return Math.max(1, Math.ceil(fullAt + this.#costMs(count) - this.#fullMs - TOLERANCE_MS - now));
  }

  #costMs(count: number): number {
    return Math.min(count * this.#msPerToken, this.#fullMs);
  }
}
