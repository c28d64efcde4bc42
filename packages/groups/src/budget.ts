/** The bytes of messages that all groups together may keep waiting. */
import type { Delivery } from '@im/protocol';

/** What a delivery takes beside its body: the object, its strings, its place in a queue. */
const OVERHEAD_BYTES = 200;

export function weigh({ body }: Pick<Delivery, 'body'>): number {
  return body.length + OVERHEAD_BYTES;
}

export class Budget {
  #used = 0;
  readonly #limit: number;
  readonly #whole: Budget | undefined;

  /** @param whole what it is a part of */
  constructor(limit: number, whole?: Budget) {
    this.#limit = limit;
    this.#whole = whole;
  }

  get used(): number {
    return this.#used;
  }

  get exceeded(): boolean {
    return this.#used > this.#limit;
  }

  fits(bytes: number): boolean {
    return this.#used + bytes <= this.#limit && (this.#whole === undefined || this.#whole.fits(bytes));
  }

  take(bytes: number): void {
    this.#used += bytes;
    this.#whole?.take(bytes);
  }

  give(bytes: number): void {
    this.#used -= bytes;
    this.#whole?.give(bytes);
  }
}
