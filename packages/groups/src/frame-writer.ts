/** Writes frames that have begun, in slices of a turn. Owns the order of the groups; must not know when frames begin. */
import type { Histogram } from '@im/protocol/ports';
import type { Group } from './group.js';
import type { Slice } from './slice.js';
import type { Viewer } from './viewer.js';

export class FrameWriter<V extends Viewer> {
  readonly #seconds: Histogram;
  /** In order; a group that needs several slices goes behind the others. */
  #groups: Group<V>[] = [];
  #spentMs = 0;

  /** @param seconds what was spent until nothing was left to write */
  constructor(seconds: Histogram) {
    this.#seconds = seconds;
  }

  /** Whether something is left to write. */
  get isBusy(): boolean {
    return this.#groups.length > 0;
  }

  add(groups: Iterable<Group<V>>): void {
    for (const group of groups) this.#groups.push(group);
  }

  writeSlice(slice: Slice): void {
    if (!this.isBusy) return;
    const began = slice.elapsedMs;
    const groups = this.#groups;
    const unfinished: Group<V>[] = [];
    let next = 0;
    for (; next < groups.length && !slice.hasEnded; next += 1) {
      const group = groups[next] as Group<V>;
      if (!group.normal.writeSlice(slice.isOver)) unfinished.push(group);
    }
    this.#groups = [...groups.slice(next), ...unfinished];
    this.#spentMs += slice.elapsedMs - began;
    if (this.isBusy) return;
    this.#seconds.observe(this.#spentMs / 1000);
    this.#spentMs = 0;
  }

  clear(): void {
    this.#groups = [];
  }
}
