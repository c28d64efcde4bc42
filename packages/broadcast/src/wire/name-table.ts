/**
 * Values by name, found by the bytes of the name where they lie in a pack: no text is made of them. Names are ASCII.
 * Open addressing with linear probing; as large as what is in it wants.
 */

interface Entry<Value> {
  readonly name: string;
  readonly hash: number;
  readonly value: Value;
}

const FEWEST_SLOTS = 16;

export class NameTable<Value> {
  #slots: (Entry<Value> | undefined)[] = new Array(FEWEST_SLOTS);
  #mask = FEWEST_SLOTS - 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  find(bytes: Uint8Array, at: number, length: number): Value | undefined {
    let hash = length;
    for (let i = at; i < at + length; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
    for (let slot = spread(hash) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const entry = this.#slots[slot];
      if (entry === undefined) return undefined;
      if (entry.hash === hash && isName(entry.name, bytes, at, length)) return entry.value;
    }
  }

  get(name: string): Value | undefined {
    return this.#slots[this.#slotOf(name, hashOf(name))]?.value;
  }

  /** Replaces what there was. */
  set(name: string, value: Value): void {
    const hash = hashOf(name);
    const slot = this.#slotOf(name, hash);
    if (this.#slots[slot] === undefined) this.#size++;
    this.#slots[slot] = { name, hash, value };
    if (this.#size * 2 > this.#slots.length) this.#resize(this.#slots.length * 2);
  }

  delete(name: string): boolean {
    let hole = this.#slotOf(name, hashOf(name));
    if (this.#slots[hole] === undefined) return false;
    this.#slots[hole] = undefined;
    this.#size--;
    // Those that were pushed on by it move up.
    for (let slot = (hole + 1) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const entry = this.#slots[slot];
      if (entry === undefined) break;
      const home = spread(entry.hash) & this.#mask;
      if (((slot - home) & this.#mask) < ((slot - hole) & this.#mask)) continue;
      this.#slots[hole] = entry;
      this.#slots[slot] = undefined;
      hole = slot;
    }
    if (this.#slots.length > FEWEST_SLOTS && this.#size * 8 < this.#slots.length) this.#resize(this.#slots.length / 2);
    return true;
  }

  clear(): void {
    this.#slots = new Array(FEWEST_SLOTS);
    this.#mask = FEWEST_SLOTS - 1;
    this.#size = 0;
  }

  *values(): Generator<Value> {
    for (const entry of this.#slots) if (entry !== undefined) yield entry.value;
  }

  #slotOf(name: string, hash: number): number {
    let slot = spread(hash) & this.#mask;
    for (;;) {
      const entry = this.#slots[slot];
      if (entry === undefined || (entry.hash === hash && entry.name === name)) return slot;
      slot = (slot + 1) & this.#mask;
    }
  }

  #resize(slots: number): void {
    const entries = this.#slots;
    this.#slots = new Array(slots);
    this.#mask = slots - 1;
    for (const entry of entries) {
      if (entry === undefined) continue;
      let slot = spread(entry.hash) & this.#mask;
      while (this.#slots[slot] !== undefined) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = entry;
    }
  }
}

function hashOf(name: string): number {
  let hash = name.length;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash;
}

/** The low bits of such a hash depend on low bits of the name only. */
function spread(hash: number): number {
  return hash ^ (hash >>> 15);
}

function isName(name: string, bytes: Uint8Array, at: number, length: number): boolean {
  if (name.length !== length) return false;
  for (let i = 0; i < length; i++) if (name.charCodeAt(i) !== bytes[at + i]) return false;
  return true;
}
