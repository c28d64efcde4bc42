/**
 * Bytes under construction: grows, is taken out once. A small pack is copied out of memory that is kept for the next one; a large one
 * that fills its memory takes that along.
 */

const FIRST_BYTES = 4_096;
const LARGE_BYTES = 16_384;
const KEPT_BYTES = 262_144;
const NOTHING = Buffer.alloc(0);

export class PackBuffer {
  bytes: Buffer = NOTHING;
  length = 0;

  /** Makes room for so many bytes behind what there is. */
  reserve(bytes: number): Buffer {
    const needed = this.length + bytes;
    if (needed <= this.bytes.length) return this.bytes;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.bytes.length, FIRST_BYTES));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
    return larger;
  }

  /** What there is, in memory that nobody writes to any more; empties it up to `kept`. */
  take(kept: number): Buffer {
    const { bytes, length } = this;
    if (length < LARGE_BYTES) {
      const pack = this.#copy();
      this.reset(kept);
      return pack;
    }
    const pack = length * 4 > bytes.length * 3 ? bytes.subarray(0, length) : this.#copy();
    // The next one will be about as large.
    this.#begin(kept, Math.min(length + (length >>> 3), KEPT_BYTES));
    return pack;
  }

  /** Empties it up to there. */
  reset(length: number): void {
    this.length = length;
    if (this.bytes.length > KEPT_BYTES) this.#begin(length, FIRST_BYTES);
  }

  #begin(kept: number, bytes: number): void {
    const next = Buffer.allocUnsafeSlow(bytes);
    this.bytes.copy(next, 0, 0, kept);
    this.bytes = next;
    this.length = kept;
  }

  #copy(): Buffer {
    const pack = Buffer.allocUnsafeSlow(this.length);
    this.bytes.copy(pack, 0, 0, this.length);
    return pack;
  }
}

/** Where four bytes are known to be: faster than what Buffer has, which checks. */
export function readUint32(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
  const high = (bytes[at + 2] as number) | ((bytes[at + 3] as number) << 8);
  return (low | (high << 16)) >>> 0;
}

/** Faster than what Buffer has, which checks what is written. */
export function writeUint32(bytes: Uint8Array, value: number, at: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

/** Writes ASCII. @returns where it ends */
export function writeAscii(bytes: Buffer, text: string, at: number): number {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
  return at + text.length;
}
