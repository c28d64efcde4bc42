/**
 * The ids of messages whose amounts were added lately, so that one that is published again adds nothing, unless what it was added to was
 * shed. Bounded for all groups together: the oldest is forgotten first. Must not know what is added.
 */
import type { Counter } from '@im/protocol/ports';

/** What became of a sum. */
export interface SumOutcome {
  /** It went to nobody: what was added to it was not. */
  isShed: boolean;
}

export class SumIds {
  /** In the order in which they came, from {@link #oldest} on and round. */
  readonly #ids: string[] = [];
  /** Those of the group that each is of. */
  readonly #groups: Map<string, SumOutcome>[] = [];
  readonly #limit: number;
  #oldest = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Those of groups that are gone included. */
  get size(): number {
    return this.#ids.length;
  }

  remember(group: Map<string, SumOutcome>, id: string, outcome: SumOutcome): void {
    if (this.#limit === 0) return;
    const isKnown = group.has(id);
    group.set(id, outcome);
    if (isKnown) return;
    if (this.#ids.length < this.#limit) {
      this.#ids.push(id);
      this.#groups.push(group);
      return;
    }
    const oldest = this.#oldest;
    this.#groups[oldest]?.delete(this.#ids[oldest] as string);
    this.#ids[oldest] = id;
    this.#groups[oldest] = group;
    this.#oldest = (oldest + 1) % this.#limit;
  }
}

/** Which messages of one group have been added to their sums. */
export class GroupSums {
  readonly #all: SumIds;
  readonly #repeated: Counter;
  readonly #ids = new Map<string, SumOutcome>();

  constructor(all: SumIds, repeated: Counter) {
    this.#all = all;
    this.#repeated = repeated;
  }

  /** Whether a message of that id has been added, to what went or still may go to people. Counts those that have. */
  haveAdded(id: string | undefined): boolean {
    if (id === undefined || this.#ids.get(id)?.isShed !== false) return false;
    this.#repeated.add();
    return true;
  }

  /** The message of that id was added to a sum. */
  added(id: string | undefined, outcome: SumOutcome): void {
    if (id !== undefined) this.#all.remember(this.#ids, id, outcome);
  }

  /** The group is gone. */
  discard(): void {
    this.#ids.clear();
  }
}
