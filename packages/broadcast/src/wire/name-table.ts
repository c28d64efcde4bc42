/**
 * Groups by their name, found by its bytes where they lie in a pack: no text is made of them. Names are ASCII.
 * Open addressing with linear probing; as large as what is in it wants. Must not know what else it holds of a group.
 */

/** What has the name of a group. */
export interface Named {
  readonly group: string;
}

const FEWEST_SLOTS = 16;
/** The hash of an empty slot. */
const EMPTY = 0;

/** Names that are looked for together: each alone is mostly waiting for memory, and these wait at once. */
export class NameBatch<Value extends Named> {
  static readonly SIZE = 64;

  count = 0;
  /** Where each begins, and how long it is. */
  readonly at = new Int32Array(NameBatch.SIZE);
  readonly length = new Int32Array(NameBatch.SIZE);
  readonly hash = new Int32Array(NameBatch.SIZE);
  /** What was found, by {@link NameTable.findBatch}. */
  readonly found: (Value | undefined)[] = new Array(NameBatch.SIZE).fill(undefined);

  get isFull(): boolean {
    return this.count === NameBatch.SIZE;
  }

  add(at: number, length: number): void {
    this.at[this.count] = at;
    this.length[this.count] = length;
    this.count++;
  }
}

export class NameTable<Value extends Named> {
  #hashes = new Int32Array(FEWEST_SLOTS);
  #values: (Value | undefined)[] = new Array(FEWEST_SLOTS).fill(undefined);
  #mask = FEWEST_SLOTS - 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  find(bytes: Uint8Array, at: number, length: number): Value | undefined {
    return this.#find(bytes, at, length, hashAt(bytes, at, length));
  }

  /** Finds each of them, as {@link find} does. */
  findBatch(bytes: Uint8Array, { at, length, hash, found, count }: NameBatch<Value>): void {
    const [values, mask] = [this.#values, this.#mask];
    for (let i = 0; i < count; i++) hash[i] = hashAt(bytes, at[i] as number, length[i] as number);
    // A guess that touches what the answer needs, one after the other, without waiting for any.
    for (let i = 0; i < count; i++) {
      const there = values[(hash[i] as number) & mask];
      found[i] = there?.group.length === length[i] ? there : undefined;
    }
    for (let i = 0; i < count; i++) {
      const [from, bytesOfName] = [at[i] as number, length[i] as number];
      const guess = found[i];
      if (guess !== undefined && isName(guess.group, bytes, from, bytesOfName)) continue;
      found[i] = this.#find(bytes, from, bytesOfName, hash[i] as number);
    }
  }

  get(name: string): Value | undefined {
    return this.#values[this.#slotOf(name, hashOf(name))];
  }

  /** Replaces what there was of that name. */
  set(value: Value): void {
    const hash = hashOf(value.group);
    const slot = this.#slotOf(value.group, hash);
    if (this.#hashes[slot] === EMPTY) this.#size++;
    this.#put(slot, hash, value);
    if (this.#size * 2 > this.#hashes.length) this.#resize(this.#hashes.length * 2);
  }

  delete(name: string): boolean {
    let hole = this.#slotOf(name, hashOf(name));
    if (this.#hashes[hole] === EMPTY) return false;
    this.#put(hole, EMPTY, undefined);
    this.#size--;
    // Those that were pushed on by it move up.
    for (let slot = (hole + 1) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const hash = this.#hashes[slot] as number;
      if (hash === EMPTY) break;
      if (((slot - hash) & this.#mask) < ((slot - hole) & this.#mask)) continue;
      this.#put(hole, hash, this.#values[slot]);
      this.#put(slot, EMPTY, undefined);
      hole = slot;
    }
    if (this.#hashes.length > FEWEST_SLOTS && this.#size * 8 < this.#hashes.length) {
      this.#resize(this.#hashes.length / 2);
    }
    return true;
  }

  clear(): void {
    this.#begin(FEWEST_SLOTS);
    this.#size = 0;
  }

  *values(): Generator<Value> {
    for (const value of this.#values) if (value !== undefined) yield value;
  }

  #find(bytes: Uint8Array, at: number, length: number, hash: number): Value | undefined {
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const there = this.#hashes[slot];
      if (there === EMPTY) return undefined;
      const value = this.#values[slot];
      if (there === hash && isName(value?.group as string, bytes, at, length)) return value;
    }
  }

  #slotOf(name: string, hash: number): number {
    let slot = hash & this.#mask;
    for (;;) {
      const there = this.#hashes[slot];
      if (there === EMPTY || (there === hash && this.#values[slot]?.group === name)) return slot;
      slot = (slot + 1) & this.#mask;
    }
  }

  #put(slot: number, hash: number, value: Value | undefined): void {
    this.#hashes[slot] = hash;
    this.#values[slot] = value;
  }

  #begin(slots: number): void {
    this.#hashes = new Int32Array(slots);
    this.#values = new Array(slots).fill(undefined);
    this.#mask = slots - 1;
  }

  #resize(slots: number): void {
    const [hashes, values] = [this.#hashes, this.#values];
    this.#begin(slots);
    for (const [old, hash] of hashes.entries()) {
      if (hash === EMPTY) continue;
      let slot = hash & this.#mask;
      while (this.#hashes[slot] !== EMPTY) slot = (slot + 1) & this.#mask;
      this.#put(slot, hash, values[old]);
    }
  }
}

function hashAt(bytes: Uint8Array, at: number, length: number): number {
  let hash = length;
  for (let i = at; i < at + length; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  return finished(hash);
}

function hashOf(name: string): number {
  let hash = name.length;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return finished(hash);
}

/** The low bits of such a hash depend on low bits of the name only; and none is {@link EMPTY}. */
function finished(hash: number): number {
  return (hash ^ (hash >>> 15)) | 0x4000_0000;
}

function isName(name: string, bytes: Uint8Array, at: number, length: number): boolean {
  if (name.length !== length) return false;
  for (let i = 0; i < length; i++) if (name.charCodeAt(i) !== bytes[at + i]) return false;
  return true;
}
