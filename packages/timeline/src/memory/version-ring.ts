/**
 * Items under consecutive versions, taken in at the newest and trimmed at the oldest end, each in O(1).
 * Knows versions and slots only.
 */

const SMALLEST = 8;

export class VersionRing<Item> {
  /** The item of a version lies at `version % length`. */
  #slots: (Item | undefined)[] = new Array(SMALLEST);
  #first = 1;
  #next = 1;

  /** Oldest version kept; one above the newest ever given when nothing is. */
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
    this.#slots[this.#slot(this.#next)] = item;
    this.#next += 1;
  }

  /** The item of a version, undefined when it is not kept. */
  get(version: number): Item | undefined {
    return version >= this.#first && version < this.#next ? this.#slots[this.#slot(version)] : undefined;
  }

  /** Removes and returns the oldest item. */
  shift(): Item | undefined {
    if (this.size === 0) return undefined;
    const slot = this.#slot(this.#first);
    const item = this.#slots[slot];
    this.#slots[slot] = undefined;
    this.#first += 1;
    if (this.#slots.length > SMALLEST && this.size <= this.#slots.length / 4) this.#resize(this.#slots.length / 2);
    return item;
  }

  #slot(version: number): number {
    return version % this.#slots.length;
  }

  #resize(length: number): void {
    const slots = new Array<Item | undefined>(length);
    for (let version = this.#first; version < this.#next; version += 1) {
      slots[version % length] = this.#slots[this.#slot(version)];
    }
    this.#slots = slots;
  }
}
