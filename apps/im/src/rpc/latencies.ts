/** Owns: durations of calls in bounded memory, each known to one percent. */

const BASE = Math.log(1.01);
/** A microsecond to an hour. */
const MIN_MS = 0.001;
const BUCKETS = Math.ceil(Math.log(3_600_000 / MIN_MS) / BASE);

export class Latencies {
  readonly #counts = new Float64Array(BUCKETS + 1);
  #total = 0;

  add(ms: number): void {
    const bucket = Math.ceil(Math.log(Math.max(ms, MIN_MS) / MIN_MS) / BASE);
    const at = Math.min(bucket, BUCKETS);
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#total += 1;
  }

  /** Milliseconds that this share of the calls took at most; undefined when there was none. @param share 0.99 */
  quantile(share: number): number | undefined {
    if (this.#total === 0) return undefined;
    let left = Math.max(1, Math.ceil(this.#total * share));
    const bucket = this.#counts.findIndex((count) => {
      left -= count;
      return left <= 0;
    });
    return MIN_MS * Math.exp(bucket * BASE);
  }
}
