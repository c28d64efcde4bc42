/**
 * Which message ids a store may hold: "no" is certain, "yes" means that somebody has to look. One place in memory is
 * asked for an append to any number of logs, where an index of each log would be one more place for each.
 */

/** About one in five of unknown ids is taken for a known one where a million are held, one in four hundred of ten thousand. */
const COUNTS = 4_194_304;
/** A count that came so far stays. */
const MOST = 255;

export class IdFilter {
  /** Of the ids held, by hash. 4 MiB for each store that is used. */
  readonly #counts = new Uint8Array(COUNTS);

  mayHold(id: string): boolean {
    return this.#counts[placeOf(id)] !== 0;
  }

  add(id: string): void {
    const place = placeOf(id);
    const count = this.#counts[place] as number;
    if (count < MOST) this.#counts[place] = count + 1;
  }

  /** @param id one that was added */
  remove(id: string): void {
    const place = placeOf(id);
    const count = this.#counts[place] as number;
    if (count < MOST) this.#counts[place] = count - 1;
  }
}

/** FNV-1a (Fowler, Noll, Vo), mixed: its low bits depend on low bits of the characters only. */
function placeOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i += 1) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) & (COUNTS - 1);
}
