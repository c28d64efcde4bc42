/** Bytes under construction: grows, is copied out once, and keeps its memory for the next pack unless that became large. */

const FIRST_BYTES = 4_096;
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

  /** A copy of what there is. */
  copy(): Buffer {
    const pack = Buffer.allocUnsafeSlow(this.length);
    this.bytes.copy(pack, 0, 0, this.length);
    return pack;
  }

  /** Empties it up to there. */
  reset(length: number): void {
    this.length = length;
    if (this.bytes.length > KEPT_BYTES) {
      const kept = Buffer.allocUnsafeSlow(FIRST_BYTES);
      this.bytes.copy(kept, 0, 0, length);
      this.bytes = kept;
    }
  }
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
