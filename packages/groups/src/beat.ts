/**
 * Groups that have their frames at the same times: which of them wait for the next one, and when that is. Must not know
 * how frames are written.
 */
import type { Clock } from '@im/protocol/ports';
import { FrameLoop } from './frame-loop.js';
import type { Group } from './group.js';
import type { Viewer } from './viewer.js';

/** Where frames are as many as turns, what is late is looked after so many times a second. */
const OTHERWISE_PER_SECOND = 12;
/** Of the time between two frames. */
const LATE_AFTER = 0.5;

export class Beat<V extends Viewer> {
  readonly #loop: FrameLoop;
  readonly #waiting = new Set<Group<V>>();

  /** @param framesPerSecond 0: at the end of each turn, for which fan-out cares @param onFrame it is time */
  constructor(
    clock: Clock,
    readonly framesPerSecond: number,
    onFrame: (beat: Beat<V>) => void,
  ) {
    this.#loop = new FrameLoop(clock, 1000 / (framesPerSecond || OTHERWISE_PER_SECOND), () => onFrame(this));
  }

  get isEveryTurn(): boolean {
    return this.framesPerSecond === 0;
  }

  /** A frame that takes longer leaves too little for priority messages and for what sockets could not take at once. */
  get lateAfterMs(): number {
    return this.isEveryTurn ? Number.POSITIVE_INFINITY : (1000 / this.framesPerSecond) * LATE_AFTER;
  }

  get hasWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** Something of the group waits. */
  add(group: Group<V>): void {
    this.#waiting.add(group);
    if (!this.isEveryTurn) this.#loop.request();
  }

  /** There is something to do at the next frame, whether groups wait or not. */
  request(): void {
    this.#loop.request();
  }

  remove(group: Group<V>): void {
    this.#waiting.delete(group);
  }

  /** Begins the frames of those that wait. Whose last frame is still being written waits for the next. */
  *begin(): Generator<Group<V>> {
    for (const group of this.#waiting) {
      if (!group.normal.beginFrame()) continue;
      this.#waiting.delete(group);
      yield group;
    }
    if (this.hasWaiting && !this.isEveryTurn) this.#loop.request();
  }

  close(): void {
    this.#loop.close();
    this.#waiting.clear();
  }
}
