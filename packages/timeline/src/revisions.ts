/**
 * Revisions of records: microseconds since 1970, or one more than the last. What was deleted, or lost with a store that was
 * put back from a copy, leaves nothing behind, and yet its revisions do not come again, as long as the wall clock is not set back.
 */
import type { Clock } from '@im/protocol/ports';

export class Revisions {
  readonly #clock: Clock;
  #last = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param before the revision of what is replaced */
  next(before = 0): number {
    this.#last = Math.max(this.#last, before, this.#clock.now() * 1_000) + 1;
    return this.#last;
  }
}
