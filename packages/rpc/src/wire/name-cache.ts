/** Names of services and methods, from bytes to text without decoding the same ones again. Bounded: one of a hash stays. */

const SIZE = 256;

interface Entry {
  readonly bytes: Buffer;
  readonly text: string;
}

export class NameCache {
  readonly #entries: (Entry | undefined)[] = new Array<Entry | undefined>(SIZE).fill(undefined);

  /** The text of these bytes. They are within the buffer. */
  read(buffer: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length === 0) return '';
    // Differs between names of one system more often than not; a collision costs a decoding, nothing else.
    const hash =
      (length * 31 +
        (buffer[start] as number) * 7 +
        (buffer[end - 1] as number) * 13 +
        (buffer[start + (length >> 1)] as number)) &
      (SIZE - 1);
    const entry = this.#entries[hash];
    if (entry !== undefined && isSame(entry.bytes, buffer, start, length)) return entry.text;
    const text = buffer.toString('latin1', start, end);
    this.#entries[hash] = { bytes: Buffer.from(text, 'latin1'), text };
    return text;
  }
}

function isSame(bytes: Buffer, buffer: Buffer, start: number, length: number): boolean {
  if (bytes.length !== length) return false;
  for (let i = 0; i < length; i++) if (bytes[i] !== buffer[start + i]) return false;
  return true;
}
