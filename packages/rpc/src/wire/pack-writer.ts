/**
 * Collects records into one packed message. Writes into a buffer lent by a pool and copies once when the message is
 * taken, so that a writer at rest costs nothing. Large bodies are not copied: they become frames of the message.
 */
import {
  ATTACH_BYTES,
  FLAG,
  ID_OFFSET,
  KIND,
  LENGTH_OFFSET,
  MAX_FRAMES,
  NAMES_OFFSET,
  PACK_BYTES,
  PACK_HEAD_BYTES,
  PACK_MARK,
  RECORD_HEAD_BYTES,
  TARGET_OFFSET,
  TIMEOUT_OFFSET,
} from './record.js';

/** A call to be written. Texts are checked by who makes them. */
export interface CallFields {
  readonly id: number;
  readonly flags: number;
  readonly timeoutMs: number;
  readonly service: string;
  readonly method: string;
  readonly key?: string | undefined;
  readonly route?: string | undefined;
  readonly trace?: string | undefined;
  /** JSON text, empty for none. */
  readonly headers: string;
  readonly body: Uint8Array;
}

/** Where a record lies that is passed on: what a reader shows, or a copy of it. */
export interface RecordSource {
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
  readonly attachment: Uint8Array | undefined;
}

const FIRST_BYTES = 16_384;
const KEPT = 16;
/** Process-wide: a buffer is lent between the first record of a turn and its end only. */
const pool: Buffer[] = [];

const NAMES_KEPT = 4_096;
const encodedNames = new Map<string, Map<string, Buffer>>();
let encodedNamesKept = 0;

export class PackWriter {
  #buffer: Buffer | undefined;
  #length = PACK_HEAD_BYTES;
  #attachments: Uint8Array[] = [];
  #attachedBytes = 0;

  get isEmpty(): boolean {
    return this.#length === PACK_HEAD_BYTES;
  }

  /** Take it before writing more. */
  get isFull(): boolean {
    return (
      this.#length >= PACK_BYTES || this.#attachments.length >= MAX_FRAMES - 1 || this.#attachedBytes >= 64 * PACK_BYTES
    );
  }

  call({ id, flags, timeoutMs, service, method, key, route, trace, headers, body }: CallFields): void {
    const names = encodeNames(service, method);
    const attached = body.length > ATTACH_BYTES;
    const texts =
      texts16(key) + texts16(route) + (trace === undefined ? 0 : 1 + trace.length) + texts16(headers || undefined);
    const most = NAMES_OFFSET + names.length + texts + (attached ? 0 : body.length);
    const buffer = this.#reserve(most);
    const start = this.#length;
    let at = start + NAMES_OFFSET;
    for (let i = 0; i < names.length; i++) buffer[at++] = names[i] as number;
    let allFlags = flags;
    if (key !== undefined) {
      allFlags |= FLAG.key;
      at = writeText16(buffer, key, at);
    }
    if (route !== undefined) {
      allFlags |= FLAG.route;
      at = writeText16(buffer, route, at);
    }
    if (trace !== undefined) {
      allFlags |= FLAG.trace;
      buffer[at] = trace.length;
      at += 1 + buffer.write(trace, at + 1, 'latin1');
    }
    if (headers !== '') {
      allFlags |= FLAG.headers;
      at = writeText16(buffer, headers, at);
    }
    at = this.#body(buffer, body, at, attached);
    if (attached) allFlags |= FLAG.attached;
    buffer.writeUInt32LE(0, start + TARGET_OFFSET);
    buffer.writeUInt32LE(timeoutMs, start + TIMEOUT_OFFSET);
    this.#head(buffer, KIND.call, allFlags, id, at);
  }

  /** Reply or part. @param headers JSON text, empty for none */
  answer(kind: number, id: number, headers: string, body: Uint8Array): void {
    const attached = body.length > ATTACH_BYTES;
    const buffer = this.#reserve(RECORD_HEAD_BYTES + texts16(headers || undefined) + (attached ? 0 : body.length));
    let at = this.#length + RECORD_HEAD_BYTES;
    let flags = attached ? FLAG.attached : 0;
    if (headers !== '') {
      flags |= FLAG.headers;
      at = writeText16(buffer, headers, at);
    }
    at = this.#body(buffer, body, at, attached);
    this.#head(buffer, kind, flags, id, at);
  }

  /** A record whose rest is text: JSON of error, refused and serve; nothing for most others. */
  text(kind: number, id: number, text = ''): void {
    const buffer = this.#reserve(RECORD_HEAD_BYTES + text.length * 3);
    const at = this.#length + RECORD_HEAD_BYTES;
    this.#head(buffer, kind, 0, id, text === '' ? at : at + buffer.write(text, at, 'utf8'));
  }

  cancel(id: number, reason: number): void {
    const buffer = this.#reserve(RECORD_HEAD_BYTES + 1);
    const at = this.#length + RECORD_HEAD_BYTES;
    buffer[at] = reason;
    this.#head(buffer, KIND.cancel, 0, id, at + 1);
  }

  more(id: number, count: number): void {
    const buffer = this.#reserve(RECORD_HEAD_BYTES + 4);
    const at = this.#length + RECORD_HEAD_BYTES;
    buffer.writeUInt32LE(count, at);
    this.#head(buffer, KIND.more, 0, id, at + 4);
  }

  /** @param broker at most 255 characters of ASCII */
  pong(id: number, caller: number, broker: string): void {
    const buffer = this.#reserve(RECORD_HEAD_BYTES + 5 + broker.length);
    const at = this.#length + RECORD_HEAD_BYTES;
    buffer.writeUInt32LE(caller, at);
    buffer[at + 4] = broker.length;
    this.#head(buffer, KIND.pong, 0, id, at + 5 + buffer.write(broker, at + 5, 'latin1'));
  }

  /** A record that passes through, under another id. */
  forward({ buffer: source, start, end, attachment }: RecordSource, id: number): void {
    const size = end - start;
    const buffer = this.#reserve(size);
    source.copy(buffer, this.#length, start, end);
    buffer.writeUInt32LE(id, this.#length + ID_OFFSET);
    this.#length += size;
    if (attachment !== undefined) this.#attach(attachment);
  }

  /** A call that passes through to a worker. */
  forwardCall(source: RecordSource, id: number, target: number, timeoutMs: number): void {
    const start = this.#length;
    this.forward(source, id);
    const buffer = this.#buffer as Buffer;
    buffer.writeUInt32LE(target, start + TARGET_OFFSET);
    buffer.writeUInt32LE(timeoutMs, start + TIMEOUT_OFFSET);
  }

  /** The message so far, to be sent now; the writer is empty again. The frames are the receiver's. */
  take(sentAtMs: number): Buffer[] {
    const buffer = this.#reserve(0);
    buffer[0] = PACK_MARK;
    // Conversion by `>>>` takes the modulus, also of what is beyond 32 bits.
    buffer.writeUInt32LE(sentAtMs >>> 0, 1);
    const pack = Buffer.allocUnsafe(this.#length);
    buffer.copy(pack, 0, 0, this.#length);
    const frames: Buffer[] = [pack];
    for (const attachment of this.#attachments) frames.push(asBuffer(attachment));
    this.clear();
    return frames;
  }

  /** Forgets what was written. */
  clear(): void {
    if (this.#buffer !== undefined && pool.length < KEPT && this.#buffer.length <= 8 * PACK_BYTES)
      pool.push(this.#buffer);
    this.#buffer = undefined;
    this.#length = PACK_HEAD_BYTES;
    this.#attachedBytes = 0;
    if (this.#attachments.length > 0) this.#attachments = [];
  }

  #body(buffer: Buffer, body: Uint8Array, at: number, attached: boolean): number {
    if (attached) {
      this.#attach(body);
      return at;
    }
    buffer.set(body, at);
    return at + body.length;
  }

  #attach(body: Uint8Array): void {
    this.#attachments.push(body);
    this.#attachedBytes += body.length;
  }

  #head(buffer: Buffer, kind: number, flags: number, id: number, end: number): void {
    const start = this.#length;
    buffer[start] = kind;
    buffer[start + 1] = flags;
    buffer.writeUInt32LE(end - start - ID_OFFSET, start + LENGTH_OFFSET);
    buffer.writeUInt32LE(id, start + ID_OFFSET);
    this.#length = end;
  }

  #reserve(bytes: number): Buffer {
    this.#buffer ??= pool.pop() ?? Buffer.allocUnsafeSlow(FIRST_BYTES);
    const needed = this.#length + bytes;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    return this.#buffer;
  }
}

/** Most bytes that a text with a length of two bytes may need. */
function texts16(text: string | undefined): number {
  return text === undefined ? 0 : 2 + text.length * 3;
}

function writeText16(buffer: Buffer, text: string, at: number): number {
  const length = buffer.write(text, at + 2, 'utf8');
  buffer.writeUInt16LE(length, at);
  return at + 2 + length;
}

function encodeNames(service: string, method: string): Buffer {
  const known = encodedNames.get(service)?.get(method);
  if (known !== undefined) return known;
  if (encodedNamesKept >= NAMES_KEPT) {
    encodedNames.clear();
    encodedNamesKept = 0;
  }
  const names = Buffer.allocUnsafe(2 + service.length + method.length);
  names[0] = service.length;
  names.write(service, 1, 'latin1');
  names[1 + service.length] = method.length;
  names.write(method, 2 + service.length, 'latin1');
  let methods = encodedNames.get(service);
  if (methods === undefined) {
    methods = new Map();
    encodedNames.set(service, methods);
  }
  methods.set(method, names);
  encodedNamesKept++;
  return names;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
