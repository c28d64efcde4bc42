/**
 * Emptying a gateway over a window: whom to tell when, and who has stayed too long. Each client leaves at a time of its own; those
 * times are spread evenly, with jitter. Telling goes on at twice the pace of leaving: nobody is told late, and neither signing tickets
 * for thousands nor their coming elsewhere is the work of one moment. Knows no transports and no messages.
 */
import type { Clock, Random, Timer } from '@im/protocol/ports';

/** Where one more client goes, a URL. Nothing returned: it chooses anew. */
export type NextAddress = () => string | undefined;

/** A connection, as a drain sees it. All do nothing once it is closed. */
export interface Leaver {
  /** PR-123: now, or as soon as it is let in. The address is asked for when it is sent. */
  askToMove(afterMs: number, nextAddress: NextAddress | undefined): void;
  /** What it was not told yet it will not be told. */
  stay(): void;
  /** Takes no more commands, and closes it when all are answered (PR-124). */
  finish(): void;
}

export interface DrainOptions {
  /** Within which clients leave, in milliseconds; 0: all at once. */
  readonly windowMs: number;
  /** Asked for each client when it is told. Undefined: it chooses anew. */
  readonly nextAddress?: NextAddress | undefined;
  /** Default: Math.random. */
  readonly random?: Random | undefined;
}

/** PR-133: an SDK waits two seconds for answers before it leaves, and its farewell has to arrive. */
export const PATIENCE_MS = 3_000;
const TICK_MS = 20;

export class Drain {
  readonly #leavers: readonly Leaver[];
  readonly #options: DrainOptions;
  readonly #clock: Clock;
  readonly #begin: number;
  /** When each leaves, in milliseconds from the beginning; ascending. */
  readonly #slots: Float64Array;
  #told = 0;
  #finished = 0;
  #timer: Timer | undefined;

  /** Begins. */
  constructor(leavers: readonly Leaver[], options: DrainOptions, clock: Clock) {
    this.#leavers = leavers;
    this.#options = options;
    this.#clock = clock;
    this.#begin = clock.monotonic();
    this.#slots = drawSlots(leavers.length, options.windowMs, options.random ?? Math.random);
    this.#advance();
  }

  /** Whoever was not told yet stays, and whoever was told is not hurried. */
  end(): void {
    this.#timer?.cancel();
    for (const leaver of this.#leavers.slice(0, this.#told)) leaver.stay();
  }

  readonly #advance = (): void => {
    const { windowMs, nextAddress } = this.#options;
    const elapsed = this.#clock.monotonic() - this.#begin;
    const count = this.#leavers.length;
    while (this.#told < count && (this.#told / count) * (windowMs / 2) <= elapsed) {
      const afterMs = Math.max(0, Math.round(this.#slot(this.#told) - elapsed));
      this.#leaver(this.#told++).askToMove(afterMs, nextAddress);
    }
    while (this.#finished < this.#told && this.#slot(this.#finished) + PATIENCE_MS <= elapsed) {
      this.#leaver(this.#finished++).finish();
    }
    if (this.#finished < count) this.#timer = this.#clock.after(TICK_MS, this.#advance);
  };

  #leaver(index: number): Leaver {
    return this.#leavers[index] as Leaver;
  }

  #slot(index: number): number {
    return this.#slots[index] as number;
  }
}

/** One in each of `count` equal parts of the window, anywhere in it: no part of the window has many more than its share. */
export function drawSlots(count: number, windowMs: number, random: Random): Float64Array {
  return Float64Array.from({ length: count }, (_, index) => ((index + random()) * windowMs) / count);
}
