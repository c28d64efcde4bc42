/** Owns: how often one person may do something. Token buckets, bounded in number; no timers. */
import { type CallerContext, withProduct } from '@im/protocol';
import type { Clock, Metrics } from '@im/protocol/ports';
import { applicationError } from './application-errors.js';

export interface Rate {
  readonly perSecond: number;
  /** As many at once after a pause. */
  readonly burst: number;
}

type RatedPerson = Pick<CallerContext, 'product' | 'user'>;

interface Bucket {
  tokens: number;
  /** When the tokens were counted, by the monotonic clock. */
  at: number;
}

/** People remembered; beyond, who was quiet longest is forgotten, and begins with a full bucket. */
const MAX_BUCKETS = 100_000;

export class RateLimit {
  readonly #rate: Rate;
  readonly #clock: Clock;
  /** Longest quiet first. */
  readonly #buckets = new Map<string, Bucket>();
  readonly #refused;

  constructor(what: string, rate: Rate, clock: Clock, metrics: Metrics) {
    this.#rate = rate;
    this.#clock = clock;
    const labels = { what };
    this.#refused = metrics.counter('im_workers_too_fast_total', { help: 'Calls refused with TOO_FAST.', labels });
    metrics.observe(
      'im_workers_rate_buckets',
      { help: 'People whose rate is remembered.', labels },
      () => this.#buckets.size,
    );
  }

  /** Takes one. @throws ImError TOO_FAST */
  take(person: RatedPerson): void {
    const retryAfterMs = this.#spend(person);
    if (retryAfterMs !== undefined) this.#refuse(retryAfterMs);
  }

  /** Takes one; where there is none, asks whether that matters. @throws ImError TOO_FAST, and what `isFree` throws */
  async takeUnless(person: RatedPerson, isFree: () => Promise<boolean>): Promise<void> {
    const retryAfterMs = this.#spend(person);
    if (retryAfterMs !== undefined && !(await isFree())) this.#refuse(retryAfterMs);
  }

  #refuse(retryAfterMs: number): never {
    this.#refused.add();
    throw applicationError('TOO_FAST', { retryAfterMs });
  }

  /** @returns when there will be one; undefined: there was one */
  #spend({ product, user }: RatedPerson): number | undefined {
    const { perSecond, burst } = this.#rate;
    const now = this.#clock.monotonic();
    const key = withProduct(product, user);
    const bucket = this.#buckets.get(key) ?? { tokens: burst, at: now };
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1_000) * perSecond);
    bucket.at = now;
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    this.#forgetQuietest();
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) / perSecond) * 1_000);
    bucket.tokens -= 1;
    return undefined;
  }

  #forgetQuietest(): void {
    if (this.#buckets.size <= MAX_BUCKETS) return;
    const [quietest] = this.#buckets.keys();
    if (quietest !== undefined) this.#buckets.delete(quietest);
  }
}
