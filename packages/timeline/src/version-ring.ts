/**
 * Items under consecutive versions: taken in at the newest and trimmed at the oldest end, each in amortised O(1).
 * Knows versions and slots only.
 */

const SMALLEST = 8;

export class VersionRing<Item> {
  /** The item of a version lies at `version % length`. */
  #slots: (Item | undefined)[] = new Array(SMALLEST);
  #first: number;
  #next: number;

  /** @param first version of the first item */
  constructor(first = 1) {
    this.#first = first;
    this.#next = first;
  }

  /** Oldest version kept; `next` when none is. */
  get first(): number {
    return this.#first;
  }

  /** Version that the next item gets. */
  get next(): number {
    return this.#next;
  }

  get size(): number {
    return this.#next - this.#first;
  }

  push(item: Item): void {
    if (this.size === this.#slots.length) this.#resize(this.#slots.length * 2);
    this.#slots[this.#next % this.#slots.length] = item;
    this.#next += 1;
  }

  /** The item of a version, undefined when it is not kept. */
  get(version: number): Item | undefined {
    return version >= this.#first && version < this.#next ? this.#slots[version % this.#slots.length] : undefined;
  }

  /** Removes and returns the oldest item. */
  shift(): Item | undefined {
    if (this.size === 0) return undefined;
    const item = this.#take(this.#first);
    this.#first += 1;
    if (this.#slots.length > SMALLEST && this.size <= this.#slots.length / 4) this.#resize(this.#slots.length / 2);
    return item;
  }

  #take(version: number): Item | undefined {
    const slot = version % this.#slots.length;
    const item = this.#slots[slot];
    this.#slots[slot] = undefined;
    return item;
  }

  #resize(length: number): void {
    const slots = new Array<Item | undefined>(length);
    for (let version = this.#first; version < this.#next; version += 1) {
      slots[version % length] = this.#slots[version % this.#slots.length];
    }
    this.#slots = slots;
  }
}
