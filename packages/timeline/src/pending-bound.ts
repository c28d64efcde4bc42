/** How much may wait for a disk or a server. */
import { ImError } from '@im/protocol';
import type { Counter } from '@im/protocol/ports';

export interface PendingLimits {
  readonly maxCalls: number;
  readonly maxBytes: number;
}

export class PendingBound {
  readonly #limits: PendingLimits;
  readonly #refused: Counter;
  #calls = 0;
  #bytes = 0;

  /** @param refused counts what did not enter */
  constructor(limits: PendingLimits, refused: Counter) {
    this.#limits = limits;
    this.#refused = refused;
  }

  /** To be followed by {@link leave}. @throws ImError QUEUE_FULL: it did not enter */
  enter(bytes: number): void {
    if (this.#calls >= this.#limits.maxCalls || this.#bytes + bytes > this.#limits.maxBytes) {
      this.#refused.add();
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
