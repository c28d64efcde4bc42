/** Slots of one service at its worker: several brokers may hand out more together than it takes at once; the rest waits here. */

export class Slots {
  readonly #limit: number;
  #taken = 0;
  /** Bounded by what the brokers hand out. */
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Runs it now or when a slot is free; it keeps the slot until `free`. */
  take(run: () => void): void {
    if (this.#taken < this.#limit) {
      this.#taken++;
      run();
    } else this.#waiting.push(run);
  }

  free(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken--;
    else next();
  }
}
