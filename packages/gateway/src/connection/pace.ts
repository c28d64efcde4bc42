/**
 * When those who wait have their turns. An event loop accepts one connection a turn; the kernel keeps a few thousand that wait for it, and
 * does not hear whoever comes beyond that, who asks again after 1, 3, 7 and 15 seconds. So while each turn brings a connection, turns are
 * kept short, and those who wait have one every now and then. Must not know who waits, or for what.
 */
import type { Clock } from '@im/protocol/ports';

/** How long those who wait give way at a time: some hundred connections. */
const MAX_YIELD_MS = 10;

export class Pace {
  readonly #clock: Clock;
  readonly #nextTurn: (run: () => void) => void;
  #waiting: (() => void)[] = [];
  #turnRequested = false;
  /** A connection was accepted in this turn. */
  #hasArrivals = false;
  /** Since when turns have been for connections alone, on the monotonic clock. */
  #yieldingSince: number | undefined;

  /** @param nextTurn runs something once, in the next turn */
  constructor(clock: Clock, nextTurn: (run: () => void) => void) {
    this.#clock = clock;
    this.#nextTurn = nextTurn;
  }

  /** A connection was accepted. */
  arrived(): void {
    this.#hasArrivals = true;
    this.#requestTurn();
  }

  /** Runs something once: in the next turn, or in a later one when there are connections to accept. */
  readonly next = (run: () => void): void => {
    this.#waiting.push(run);
    this.#requestTurn();
  };

  #requestTurn(): void {
    if (this.#turnRequested) return;
    this.#turnRequested = true;
    this.#nextTurn(this.#turn);
  }

  readonly #turn = (): void => {
    this.#turnRequested = false;
    const hadArrivals = this.#hasArrivals;
    this.#hasArrivals = false;
    if (this.#waiting.length === 0) return;
    const now = this.#clock.monotonic();
    this.#yieldingSince ??= now;
    if (hadArrivals && now - this.#yieldingSince < MAX_YIELD_MS) {
      this.#requestTurn();
      return;
    }
    this.#yieldingSince = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const run of waiting) run();
  };
}
