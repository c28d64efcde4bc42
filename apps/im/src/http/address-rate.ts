/** Owns: how often one address may ask. Token buckets, bounded in number. */
import { ImError } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';

export interface AddressRateOptions {
  readonly perSecond: number;
  readonly burst: number;
}

/** Addresses remembered; beyond, who was quiet longest begins anew. */
const MAX_ADDRESSES = 10_000;

export class AddressRate {
  readonly #options: AddressRateOptions;
  readonly #clock: Clock;
  /** Address → when its bucket is full again, by the monotonic clock. Longest quiet first. */
  readonly #fullAt = new Map<string, number>();

  constructor(options: AddressRateOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** Takes one. @throws ImError RATE_LIMITED (details.retryAfterMs) */
  take(address: string): void {
    const { perSecond, burst } = this.#options;
    const costMs = 1_000 / perSecond;
    const now = this.#clock.monotonic();
    const fullAt = Math.max(now, this.#fullAt.get(address) ?? now) + costMs;
    const waitMs = fullAt - now - burst * costMs;
    if (waitMs > 0) throw new ImError('RATE_LIMITED', { details: { retryAfterMs: Math.ceil(waitMs) } });
    this.#fullAt.delete(address);
    this.#fullAt.set(address, fullAt);
    const [quietest] = this.#fullAt.keys();
    if (this.#fullAt.size > MAX_ADDRESSES && quietest !== undefined) this.#fullAt.delete(quietest);
  }
}
