/** How much may wait for a disk or a server. */
import { ImError } from '@im/protocol';

export interface PendingLimits {
  readonly maxCalls: number;
  readonly maxBytes: number;
}

export class PendingBound {
  readonly #limits: PendingLimits;
  #calls = 0;
  #bytes = 0;

  constructor(limits: PendingLimits) {
    this.#limits = limits;
  }

  get calls(): number {
    return this.#calls;
  }

  /** To be followed by {@link leave}. @throws ImError QUEUE_FULL: it did not enter */
  enter(bytes: number): void {
    if (this.#calls >= this.#limits.maxCalls || this.#bytes + bytes > this.#limits.maxBytes) {
      throw new ImError('QUEUE_FULL');
    }
    this.#calls += 1;
    this.#bytes += bytes;
  }

  leave(bytes: number): void {
    this.#calls -= 1;
    this.#bytes -= bytes;
  }
}
