/** Bounds how many of something are under way at once, and how many wait for a place. */
import { ImError } from '@im/protocol';

export class ConcurrencyLimit {
  readonly #maxRunning: number;
  readonly #maxWaiting: number;
  #waiting: (() => void)[] = [];
  /** Place of the first that waits: taking from an array's front costs its whole length. */
  #next = 0;
  #running = 0;

  constructor(maxRunning: number, maxWaiting: number) {
    this.#maxRunning = maxRunning;
    this.#maxWaiting = maxWaiting;
  }

  /** @throws ImError OVERLOADED when too many wait already; whatever the task throws */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#maxRunning) {
      if (this.#waiting.length - this.#next >= this.#maxWaiting) throw new ImError('OVERLOADED');
      // Whoever is done hands its place on, so that nobody overtakes those who wait.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running++;
    }
    try {
      return await task();
    } finally {
      this.#handOn();
    }
  }

  #handOn(): void {
    const next = this.#waiting[this.#next++];
    if (next) {
      next();
    } else {
      this.#waiting = [];
      this.#next = 0;
      this.#running--;
    }
  }
}
