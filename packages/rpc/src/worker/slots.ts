/** Slots of one service at its worker: several brokers may hand out more together than it takes at once; the rest waits here. */

export class Slots {
  readonly #limit: number;
  #taken = 0;
  /** Bounded by what the brokers hand out. */
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @returns whether there was one: else wait */
  take(): boolean {
    if (this.#taken >= this.#limit) return false;
    this.#taken++;
    return true;
  }

  /** Runs when a slot is free, and has it. */
  wait(run: () => void): void {
    this.#waiting.push(run);
  }

  free(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken--;
    else next();
  }
}
