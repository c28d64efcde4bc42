/**
 * Values by the numbers that the other side gives to groups. It forgets: two numbers that want one place displace each
 * other, and whoever finds nothing looks by name.
 */

const FEWEST_PLACES = 16;
/** So many groups are found by number at best. */
const MOST_PLACES = 262_144;

export class AliasTable<Value> {
  #aliases = new Int32Array(FEWEST_PLACES);
  #values: (Value | undefined)[] = new Array(FEWEST_PLACES).fill(undefined);
  #size = 0;

  /** @param alias a positive 32-bit integer, or 0 for none */
  get(alias: number): Value | undefined {
    const place = alias & (this.#aliases.length - 1);
    return this.#aliases[place] === alias ? this.#values[place] : undefined;
  }

  set(alias: number, value: Value): void {
    if (alias === 0) return;
    if (this.#size * 2 >= this.#aliases.length && this.#aliases.length < MOST_PLACES) this.#grow();
    const place = alias & (this.#aliases.length - 1);
    if (this.#aliases[place] === 0) this.#size++;
    this.#aliases[place] = alias;
    this.#values[place] = value;
  }

  clear(): void {
    this.#aliases = new Int32Array(FEWEST_PLACES);
    this.#values = new Array(FEWEST_PLACES).fill(undefined);
    this.#size = 0;
  }

  #grow(): void {
    const [aliases, values] = [this.#aliases, this.#values];
    this.#aliases = new Int32Array(aliases.length * 2);
    this.#values = new Array(aliases.length * 2).fill(undefined);
    for (const [place, alias] of aliases.entries()) {
      if (alias === 0) continue;
      const next = alias & (this.#aliases.length - 1);
      this.#aliases[next] = alias;
      this.#values[next] = values[place];
    }
  }
}

/** Gives numbers from 1 on, each once, and 0 when there are no more. */
export class Aliases {
  #last = 0;

  next(): number {
    if (this.#last === 0x7fff_ffff) return 0;
    this.#last++;
    return this.#last;
  }
}
