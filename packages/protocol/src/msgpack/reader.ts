/**
 * Reads MessagePack as gateways must: from anybody. Strict where a general reader is lenient (text is UTF-8, names are text or
 * numbers), never recursing deeper than the limit, and never allocating by a length that is only claimed: whatever it makes, the
 * bytes of it are there. Knows no messages.
 */
import { malformed } from '../grammar/received-command.js';
import { strictDecoder } from '../json/text-coding.js';
import { MAX_NESTING } from '../limits.js';

export class MessagePackReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Begins a map. @returns how many members follow @throws ImError MALFORMED when something else is there */
  map(): number {
    const first = this.#byte();
    const size =
      first >> 4 === 0x8 ? first & 0x0f : first === 0xde ? this.#uint(2) : first === 0xdf ? this.#uint(4) : -1;
    if (size < 0) throw malformed('not a map');
    return this.#claimed(size, 2);
  }

  /** The name of a member: text, or an integer. */
  name(): string | number {
    const name = this.value(MAX_NESTING);
    if (typeof name === 'string') return name;
    if (typeof name === 'number' && Number.isSafeInteger(name)) return name;
    throw malformed('a name that is neither text nor a number');
  }

  /** The bytes of a text, as a view; undefined, and passed over, when something else is there. */
  text(): Uint8Array | undefined {
    const first = this.#bytes[this.#at];
    const length = first === undefined ? undefined : this.#textLength(first);
    if (length !== undefined) return this.#take(length);
    this.value();
    return undefined;
  }

  /**
   * A value: maps as objects without prototype, bytes as a view. What the protocol has no use for is null, which is no value of
   * any member.
   * @param depth arrays and maps around it
   */
  value(depth = 0): unknown {
    const first = this.#bytes[this.#at];
    if (first === undefined) throw cutShort();
    const length = this.#textLength(first);
    if (length !== undefined) return this.#string(length);
    this.#at++;
    if (first <= 0x7f) return first;
    if (first >= 0xe0) return first - 0x100;
    if (first <= 0x8f) return this.#object(first & 0x0f, depth);
    if (first <= 0x9f) return this.#array(first & 0x0f, depth);
    switch (first) {
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#take(this.#uint(1 << (first - 0xc4)));
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.#skip(this.#uint(1 << (first - 0xc7)) + 1);
      case 0xca:
        return this.#view.getFloat32(this.#advance(4));
      case 0xcb:
        return this.#view.getFloat64(this.#advance(8));
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#uint(1 << (first - 0xcc));
      case 0xcf:
        return Number(this.#view.getBigUint64(this.#advance(8)));
      case 0xd0:
        return this.#view.getInt8(this.#advance(1));
      case 0xd1:
        return this.#view.getInt16(this.#advance(2));
      case 0xd2:
        return this.#view.getInt32(this.#advance(4));
      case 0xd3:
        return Number(this.#view.getBigInt64(this.#advance(8)));
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#skip((1 << (first - 0xd4)) + 1);
      case 0xdc:
        return this.#array(this.#uint(2), depth);
      case 0xdd:
        return this.#array(this.#uint(4), depth);
      case 0xde:
        return this.#object(this.#uint(2), depth);
      case 0xdf:
        return this.#object(this.#uint(4), depth);
      case 0xc0:
        return null;
      default:
        throw malformed('a byte that begins nothing');
    }
  }

  #object(size: number, depth: number): Record<string, unknown> {
    const object: Record<string, unknown> = Object.create(null);
    for (let left = this.#claimed(size, 2); left > 0; left--) {
      const name = this.name();
      object[name] = this.value(deeper(depth));
    }
    return object;
  }

  #array(size: number, depth: number): unknown[] {
    const array: unknown[] = [];
    for (let left = this.#claimed(size, 1); left > 0; left--) array.push(this.value(deeper(depth)));
    return array;
  }

  /** Passes over the length of a text. @returns it, or undefined where no text begins */
  #textLength(first: number): number | undefined {
    if (first >= 0xa0 && first <= 0xbf) {
      this.#at++;
      return first & 0x1f;
    }
    if (first < 0xd9 || first > 0xdb) return undefined;
    this.#at++;
    return this.#uint(1 << (first - 0xd9));
  }

  #string(length: number): string {
    const bytes = this.#take(length);
    try {
      return strictDecoder.decode(bytes);
    } catch (cause) {
      throw malformed('text is not UTF-8', cause);
    }
  }

  /** So many elements are promised, of at least so many bytes each. */
  #claimed(size: number, bytesEach: number): number {
    if (size * bytesEach > this.#bytes.length - this.#at) throw cutShort();
    return size;
  }

  #uint(bytes: number): number {
    const at = this.#advance(bytes);
    return bytes === 1 ? this.#view.getUint8(at) : bytes === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }

  #byte(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  #take(length: number): Uint8Array {
    const at = this.#advance(length);
    return this.#bytes.subarray(at, at + length);
  }

  #skip(length: number): null {
    this.#advance(length);
    return null;
  }

  /** Passes over so many bytes. @returns where they begin */
  #advance(length: number): number {
    const at = this.#at;
    if (length > this.#bytes.length - at) throw cutShort();
    this.#at = at + length;
    return at;
  }
}

function deeper(depth: number): number {
  if (depth >= MAX_NESTING) throw malformed(`nested more than ${MAX_NESTING} deep`);
  return depth + 1;
}

function cutShort(): Error {
  return malformed('cut short');
}
