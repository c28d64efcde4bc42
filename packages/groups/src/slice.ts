/** A stretch of work within one turn: says when it is over. The clock is read now and then only. */
import type { Clock } from '@im/protocol/ports';

const STEPS_BETWEEN_READINGS = 16;

export class Slice {
  readonly #clock: Clock;
  readonly #lastsMs: number;
  readonly #beganAt: number;
  #steps = 0;
  /** The work was told that it is over. */
  hasEnded = false;

  /** @param lastsMs 0: over after one step */
  constructor(clock: Clock, lastsMs: number) {
    this.#clock = clock;
    this.#lastsMs = lastsMs;
    this.#beganAt = clock.monotonic();
  }

  get elapsedMs(): number {
    return this.#clock.monotonic() - this.#beganAt;
  }

  /** Asked before each step. */
  readonly isOver = (): boolean => {
    if (this.#lastsMs === 0) this.hasEnded = this.#steps > 0;
    else if (this.#steps % STEPS_BETWEEN_READINGS === STEPS_BETWEEN_READINGS - 1) {
      this.hasEnded = this.elapsedMs >= this.#lastsMs;
    }
    this.#steps += 1;
    return this.hasEnded;
  };
}
