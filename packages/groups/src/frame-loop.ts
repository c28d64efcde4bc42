/**
 * When frames are: at most so many a second, none while nothing waits. Owns one timer, whatever the number of groups.
 *
 * The first frame after a quiet time comes at once, since none was in the interval before it; the later ones keep the
 * beat, so that a frame that ran late does not delay the next.
 */
import type { Clock, Timer } from '@im/protocol/ports';

export class FrameLoop {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #run: () => void;
  #timer: Timer | undefined;
  /** When the last frame was due. */
  #last = Number.NEGATIVE_INFINITY;
  #due = 0;

  constructor(clock: Clock, intervalMs: number, run: () => void) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#run = run;
  }

  /** Something waits. */
  request(): void {
    if (this.#timer !== undefined) return;
    const now = this.#clock.monotonic();
    this.#due = Math.max(this.#last + this.#intervalMs, now);
    this.#timer = this.#clock.after(this.#due - now, this.#tick);
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  readonly #tick = (): void => {
    this.#timer = undefined;
    this.#last = this.#due;
    this.#run();
  };
}
