/**
 * Items in the order of their last use, linked through themselves: touching, removing and finding the oldest are O(1).
 * (A Map would do, but looking for its first key walks over everything deleted before it.)
 */

/** What an item needs to be in a list; only the list writes these. */
export interface Listed<Item> {
  newer: Item | undefined;
  older: Item | undefined;
}

export class RecencyList<Item extends Listed<Item>> {
  #newest: Item | undefined;
  #oldest: Item | undefined;

  /** Least recently used. */
  get oldest(): Item | undefined {
    return this.#oldest;
  }

  add(item: Item): void {
    item.older = this.#newest;
    item.newer = undefined;
    if (this.#newest === undefined) this.#oldest = item;
    else this.#newest.newer = item;
    this.#newest = item;
  }

  touch(item: Item): void {
    if (item === this.#newest) return;
    this.remove(item);
    this.add(item);
  }

  remove(item: Item): void {
    if (item.newer === undefined) this.#newest = item.older;
    else item.newer.older = item.older;
    if (item.older === undefined) this.#oldest = item.newer;
    else item.older.newer = item.newer;
    item.newer = undefined;
    item.older = undefined;
  }
}
