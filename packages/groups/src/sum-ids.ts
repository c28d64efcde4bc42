/**
 * The ids of messages whose amounts were added lately, so that one that is published again adds nothing. Bounded for all groups together:
 * the oldest is forgotten first. Must not know what is added.
 */
import type { Conflation } from '@im/protocol';
import type { Counter } from '@im/protocol/ports';

export class SumIds {
  /** In the order in which they came, from {@link #oldest} on and round. */
  readonly #ids: string[] = [];
  /** Those of the group that each is of. */
  readonly #groups: Set<string>[] = [];
  readonly #limit: number;
  #oldest = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Those of groups that are gone included. */
  get size(): number {
    return this.#ids.length;
  }

  /** Remembers an id. @returns false when its group's ids held it already */
  add(group: Set<string>, id: string): boolean {
    if (group.has(id)) return false;
    if (this.#limit === 0) return true;
    group.add(id);
    if (this.#ids.length < this.#limit) {
      this.#ids.push(id);
      this.#groups.push(group);
      return true;
    }
    const oldest = this.#oldest;
    this.#groups[oldest]?.delete(this.#ids[oldest] as string);
    this.#ids[oldest] = id;
    this.#groups[oldest] = group;
    this.#oldest = (oldest + 1) % this.#limit;
    return true;
  }
}

/** What messages of one group add to their sums. */
export class GroupSums {
  readonly #all: SumIds;
  readonly #repeated: Counter;
  readonly #ids = new Set<string>();

  constructor(all: SumIds, repeated: Counter) {
    this.#all = all;
    this.#repeated = repeated;
  }

  /** Nothing the second time, and where nothing is summed. */
  amountOf(id: string | undefined, conflation: Conflation): number {
    if (conflation.mode !== 'sum') return 0;
    if (id === undefined || this.#all.add(this.#ids, id)) return conflation.amount;
    this.#repeated.add();
    return 0;
  }

  /** The group is gone. */
  discard(): void {
    this.#ids.clear();
  }
}
