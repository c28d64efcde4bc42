/** The bytes of messages that all groups together may keep waiting. */
import type { Delivery } from '@im/protocol';

/** What a delivery takes beside its body: the object, its strings, its place in a queue. */
const OVERHEAD_BYTES = 200;

export function weigh(delivery: Delivery): number {
  return delivery.body.length + OVERHEAD_BYTES;
}

export class Budget {
  #used = 0;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  get exceeded(): boolean {
    return this.#used > this.#limit;
  }

  fits(bytes: number): boolean {
    return this.#used + bytes <= this.#limit;
  }

  take(bytes: number): void {
    this.#used += bytes;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}
