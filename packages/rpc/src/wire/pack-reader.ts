/**
 * Reads packed messages record by record, without an object a record: its fields are those of the reader, valid until
 * the next step. Nothing is copied; what is kept longer, is copied by who keeps it. Any bytes give records or `malformed`.
 */
import { isText, MAX_KEY_LENGTH } from '../names.js';
import { MAX_HEADER_BYTES } from '../rpc-limits.js';
import { NameCache } from './name-cache.js';
import {
  FLAG,
  ID_OFFSET,
  KIND,
  LENGTH_OFFSET,
  NAMES_OFFSET,
  PACK_HEAD_BYTES,
  PACK_MARK,
  RECORD_HEAD_BYTES,
  TARGET_OFFSET,
  TIMEOUT_OFFSET,
} from './record.js';

const EMPTY = Buffer.alloc(0);
/** Of a call: something stands between its names and its body. */
const OPTIONS = FLAG.key | FLAG.route | FLAG.trace | FLAG.headers;

export class PackReader {
  readonly #names = new NameCache();
  #frames: readonly Buffer[] = [];
  #nextFrame = 1;

  /** Set when what follows cannot be understood; the records before it hold. */
  malformed = false;
  /** Of the sender's clock, modulo 2^32. */
  sentAtMs = 0;

  buffer: Buffer = EMPTY;
  /** Of the record in `buffer`. */
  start = 0;
  end = 0;
  kind = 0;
  flags = 0;
  id = 0;
  /** The body, when it is a frame of its own. */
  attachment: Buffer | undefined;

  /** Fields of a call; set by readCall. */
  target = 0;
  timeoutMs = 0;
  service = '';
  method = '';
  key: string | undefined;
  route: string | undefined;
  trace: string | undefined;
  /** JSON text, empty for none; set by readCall and readReply. */
  headers = '';
  /** Where the body begins in `buffer`, unless it is attached. */
  #bodyStart = 0;
  /** Where what comes after the names begins; set by readNames. */
  #optionsStart = 0;

  /** @returns whether it is a pack: else nothing is read */
  open(frames: readonly Buffer[]): boolean {
    const pack = frames[0];
    this.malformed = false;
    this.#frames = frames;
    this.#nextFrame = 1;
    this.buffer = pack ?? EMPTY;
    this.start = this.end = PACK_HEAD_BYTES;
    if (pack === undefined || pack.length < PACK_HEAD_BYTES || pack[0] !== PACK_MARK) {
      this.malformed = true;
      this.end = this.buffer.length;
      return false;
    }
    this.sentAtMs = pack.readUInt32LE(1);
    return true;
  }

  /** The next record. @returns false at the end, and before what is malformed */
  next(): boolean {
    const { buffer } = this;
    const start = this.end;
    if (this.malformed || start === buffer.length) return false;
    if (start + RECORD_HEAD_BYTES > buffer.length) return this.#refuse();
    const length = buffer.readUInt32LE(start + LENGTH_OFFSET);
    const end = start + ID_OFFSET + length;
    if (length < 4 || end > buffer.length) return this.#refuse();
    this.start = start;
    this.end = end;
    this.kind = buffer[start] as number;
    this.flags = buffer[start + 1] as number;
    this.id = buffer.readUInt32LE(start + ID_OFFSET);
    this.attachment = undefined;
    if ((this.flags & FLAG.attached) !== 0) {
      const frame = this.#frames[this.#nextFrame++];
      if (frame === undefined) return this.#refuse();
      this.attachment = frame;
    }
    this.#bodyStart = start + RECORD_HEAD_BYTES;
    return true;
  }

  /**
   * Of a call: target, timeoutMs, service and method; key and route if it has them. All that a broker looks at; what it
   * passes on is in order as a whole, so that no record spoils those packed with it.
   */
  readNames(): boolean {
    const { buffer, start, end } = this;
    if (this.kind !== KIND.call || start + NAMES_OFFSET + 2 > end) return this.#refuse();
    this.target = buffer.readUInt32LE(start + TARGET_OFFSET);
    this.timeoutMs = buffer.readUInt32LE(start + TIMEOUT_OFFSET);
    let at = start + NAMES_OFFSET;
    let stop = at + 1 + (buffer[at] as number);
    if (stop >= end) return this.#refuse();
    this.service = this.#names.read(buffer, at + 1, stop);
    at = stop;
    stop = at + 1 + (buffer[at] as number);
    if (stop > end) return this.#refuse();
    this.method = this.#names.read(buffer, at + 1, stop);
    this.#optionsStart = stop;
    this.key = this.route = undefined;
    this.#bodyStart = stop;
    if ((this.flags & OPTIONS) === 0) return true;
    return this.#readKeys() && this.#findBody();
  }

  /** The whole call. */
  readCall(): boolean {
    if (!this.readNames()) return false;
    this.trace = undefined;
    if ((this.flags & FLAG.trace) !== 0) {
      const at = this.#optionsStart;
      if (at >= this.end) return this.#refuse();
      const stop = at + 1 + (this.buffer[at] as number);
      if (stop > this.end) return this.#refuse();
      this.trace = this.buffer.toString('latin1', at + 1, stop);
      this.#optionsStart = stop;
    }
    return this.#readHeaders(this.#optionsStart);
  }

  /** Of a reply or part: where its body is, its headers unread. */
  skipHeaders(): boolean {
    this.#optionsStart = this.start + RECORD_HEAD_BYTES;
    return this.#findBody();
  }

  /** Headers and body of a reply. */
  readReply(): boolean {
    return this.#readHeaders(this.start + RECORD_HEAD_BYTES);
  }

  /** The body: a view. Of calls, and where there are headers, after one of the steps above. */
  get body(): Uint8Array {
    const { buffer, byteOffset, length } = this.attachment ?? this.buffer;
    if (this.attachment !== undefined) return new Uint8Array(buffer, byteOffset, length);
    return new Uint8Array(buffer, byteOffset + this.#bodyStart, this.end - this.#bodyStart);
  }

  /** What follows the head, as text: the JSON of error, refused and serve. */
  get text(): string {
    return this.buffer.toString('utf8', this.start + RECORD_HEAD_BYTES, this.end);
  }

  get bodyBytes(): number {
    return this.attachment?.length ?? this.end - this.#bodyStart;
  }

  /** The number that `more` and `pong` begin with; the first byte of `cancel` is `body[0]`. */
  readCount(): number | undefined {
    const at = this.start + RECORD_HEAD_BYTES;
    if (at + 4 <= this.end) return this.buffer.readUInt32LE(at);
    this.#refuse();
    return undefined;
  }

  #readKeys(): boolean {
    if ((this.flags & FLAG.key) !== 0) {
      const text = this.#readLong();
      if (!isText(text, MAX_KEY_LENGTH)) return this.#refuse();
      this.key = text;
    }
    if ((this.flags & FLAG.route) !== 0) {
      const text = this.#readLong();
      if (!isText(text, MAX_KEY_LENGTH)) return this.#refuse();
      this.route = text;
    }
    return true;
  }

  /** Steps over trace and headers, wherever they are. */
  #findBody(): boolean {
    const { buffer, flags, end } = this;
    let at = this.#optionsStart;
    if (this.kind === KIND.call && (flags & FLAG.trace) !== 0) at += at < end ? 1 + (buffer[at] as number) : 1;
    if ((flags & FLAG.headers) !== 0) {
      const length = at + 2 <= end ? buffer.readUInt16LE(at) : Number.POSITIVE_INFINITY;
      if (length > MAX_HEADER_BYTES) return this.#refuse();
      at += 2 + length;
    }
    if (at > end) return this.#refuse();
    this.#bodyStart = at;
    return true;
  }

  #readLong(): string | undefined {
    const at = this.#optionsStart;
    const stop = at + 2 <= this.end ? at + 2 + this.buffer.readUInt16LE(at) : Number.POSITIVE_INFINITY;
    if (stop > this.end) {
      this.#refuse();
      return undefined;
    }
    this.#optionsStart = stop;
    return this.buffer.toString('utf8', at + 2, stop);
  }

  #readHeaders(at: number): boolean {
    this.headers = '';
    this.#bodyStart = at;
    if ((this.flags & FLAG.headers) === 0) return true;
    this.#optionsStart = at;
    const text = this.#readLong();
    if (text === undefined || this.#optionsStart - at - 2 > MAX_HEADER_BYTES) return this.#refuse();
    this.headers = text;
    this.#bodyStart = this.#optionsStart;
    return true;
  }

  #refuse(): false {
    this.malformed = true;
    return false;
  }
}
