/**
 * Groups that have their frames at the same times: which of them wait for the next one, and when that is. Must not know
 * how frames are written.
 */
import type { Clock } from '@im/protocol/ports';
import { FrameLoop } from './frame-loop.js';
import type { Group } from './group.js';
import type { Viewer } from './viewer.js';

/** Where frames are as many as turns, what is owed is told, and they are late, as if there were so many a second. */
const OTHERWISE_PER_SECOND = 12;
/** Of the time between two frames. */
const LATE_AFTER = 0.6;

export class Beat<V extends Viewer> {
  /** A frame that takes longer leaves too little for priority messages and for what sockets could not take at once. */
  readonly lateAfterMs: number;
  readonly #loop: FrameLoop;
  readonly #waiting = new Set<Group<V>>();

  /** @param framesPerSecond 0: at the end of each turn, for which fan-out cares @param onFrame it is time */
  constructor(
    clock: Clock,
    readonly framesPerSecond: number,
    onFrame: (beat: Beat<V>) => void,
  ) {
    const intervalMs = 1000 / (framesPerSecond || OTHERWISE_PER_SECOND);
    this.lateAfterMs = intervalMs * LATE_AFTER;
    this.#loop = new FrameLoop(clock, intervalMs, () => onFrame(this));
  }

  get isEveryTurn(): boolean {
    return this.framesPerSecond === 0;
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
