/** Ids of the messages with which epochs of logs began here. Bounded: the oldest are forgotten, and then handed on twice at worst. */

const MAX_IDS = 16_384;

export class OpeningIds {
  /** The oldest first. */
  readonly #ids = new Set<string>();

  add(group: string, id: string | undefined): void {
    if (id === undefined) return;
    this.#ids.add(`${group} ${id}`);
    if (this.#ids.size <= MAX_IDS) return;
    const [oldest] = this.#ids;
    if (oldest !== undefined) this.#ids.delete(oldest);
  }

  has(group: string, id: string | undefined): boolean {
    return id !== undefined && this.#ids.has(`${group} ${id}`);
  }
}
