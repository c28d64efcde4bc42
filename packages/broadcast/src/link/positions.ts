/** How far a node has come with the normal lane of each group, by the index of its subscription. */

const FEWEST = 16;

export class Positions {
  /** NaN: nothing is known. */
  #positions = new Float64Array(FEWEST).fill(Number.NaN);

  /** NaN: nothing is known. */
  get(index: number): number {
    return index < this.#positions.length ? (this.#positions[index] as number) : Number.NaN;
  }

  set(index: number, position: number): void {
    if (index >= this.#positions.length) this.#grow(index);
    this.#positions[index] = position;
  }

  forget(index: number): void {
    if (index < this.#positions.length) this.#positions[index] = Number.NaN;
  }

  #grow(index: number): void {
    const larger = new Float64Array(Math.max(index + 1, this.#positions.length * 2)).fill(Number.NaN);
    larger.set(this.#positions);
    this.#positions = larger;
  }
}
