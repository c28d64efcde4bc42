/**
 * Server messages to maps. `push` and `reply` are the hot ones: made once per delivery, whatever the size of the audience, the
 * opaque body copied in as it is. The others, for one connection each, are the library's to write.
 */
import { encoder } from '../json/text-coding.js';
import type { ErrorMessage, Push, Reply, ServerMessage } from '../messages.js';
import { encodeMap } from './encode-map.js';
import type { MemberNumber } from './member-numbers.js';

export function encodeMessage(message: ServerMessage<Uint8Array>): Uint8Array {
  switch (message.type) {
    case 'push':
      return encodePush(message);
    case 'reply':
      return encodeReply(message);
    case 'error':
      return encodeMap({ ...message, details: jsonText(message) });
    default:
      return encodeMap(message);
  }
}

/** One after the other, in one array; a single message is returned as it is. */
export function joinMaps(messages: readonly Uint8Array[]): Uint8Array {
  const [first] = messages;
  if (first && messages.length === 1) return first;
  let length = 0;
  for (const message of messages) length += message.length;
  const chunk = new Uint8Array(length);
  let at = 0;
  for (const message of messages) {
    chunk.set(message, at);
    at += message.length;
  }
  return chunk;
}

/** Details come from services: where they are no JSON (a cycle, a bigint), the error goes without them. */
function jsonText({ details }: ErrorMessage): string | undefined {
  try {
    return JSON.stringify(details);
  } catch {
    return undefined;
  }
}

function encodePush(push: Push<Uint8Array>): Uint8Array {
  const { group, event, data, time, version, lane, id, conflated, key, sum, confirm } = push;
  const map = new MapWriter(data, group, event, id, key);
  map.text(1, push.type);
  map.text(3, group);
  map.text(4, event);
  if (lane !== undefined) map.text(8, lane);
  if (version !== undefined) map.number(7, version);
  if (id !== undefined) map.text(2, id);
  if (time !== undefined) map.number(6, time);
  if (conflated !== undefined) map.number(12, conflated);
  if (key !== undefined) map.text(10, key);
  if (sum !== undefined) map.number(11, sum);
  if (confirm) map.true(13);
  return map.end(data);
}

function encodeReply({ type, id, data }: Reply<Uint8Array>): Uint8Array {
  const map = new MapWriter(data);
  map.text(1, type);
  map.number(2, id);
  return map.end(data);
}

/** Beside its texts: names, lengths and numbers of all members that a message can have. */
const OVERHEAD_BYTES = 128;
const BYTES_PER_UNIT = 3;

/** One map with at most 15 members, of which `data` is the last. */
class MapWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #members = 0;
  /** Behind the byte that says how many members there are. */
  #at = 1;

  /** @param texts that will be written */
  constructor(data: Uint8Array | undefined, ...texts: readonly (string | undefined)[]) {
    let size = OVERHEAD_BYTES + (data?.length ?? 0);
    for (const text of texts) size += (text?.length ?? 0) * BYTES_PER_UNIT;
    this.#bytes = new Uint8Array(size);
    this.#view = new DataView(this.#bytes.buffer);
  }

  text(name: MemberNumber, text: string): void {
    this.#name(name);
    if (this.#shortText(text)) return;
    const bytes = encoder.encode(text);
    this.#textHead(bytes.length);
    this.#copy(bytes);
  }

  true(name: MemberNumber): void {
    this.#name(name);
    this.#byte(0xc3);
  }

  number(name: MemberNumber, value: number): void {
    this.#name(name);
    const isUint = Number.isSafeInteger(value) && value >= 0;
    if (isUint && value <= 0x7f) this.#byte(value);
    else if (isUint && value <= 0xff_ff_ff_ff) this.#uint(0xcc, value);
    else if (isUint) {
      this.#byte(0xcf);
      this.#view.setUint32(this.#at, Math.floor(value / 2 ** 32));
      this.#view.setUint32(this.#at + 4, value >>> 0);
      this.#at += 8;
    } else {
      this.#byte(0xcb);
      this.#view.setFloat64(this.#at, value);
      this.#at += 8;
    }
  }

  /** An empty body, which is no JSON text, is left out. */
  end(data: Uint8Array | undefined): Uint8Array {
    if (data?.length) {
      this.#name(5);
      this.#textHead(data.length);
      this.#copy(data);
    }
    this.#bytes[0] = 0x80 | this.#members;
    return this.#bytes.subarray(0, this.#at);
  }

  #name(name: MemberNumber): void {
    this.#members++;
    this.#byte(name);
  }

  /** Most texts are short and ASCII: no need for another array. @returns false for others */
  #shortText(text: string): boolean {
    if (text.length > 31) return false;
    const start = this.#at;
    this.#byte(0xa0 | text.length);
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) {
        this.#at = start;
        return false;
      }
      this.#byte(unit);
    }
    return true;
  }

  #textHead(length: number): void {
    if (length <= 31) this.#byte(0xa0 | length);
    else this.#uint(0xd9, length);
  }

  /** A number in 1, 2 or 4 bytes, behind the byte that says in how many. @param first what says 1 */
  #uint(first: number, value: number): void {
    if (value <= 0xff) {
      this.#byte(first);
      this.#byte(value);
    } else if (value <= 0xff_ff) {
      this.#byte(first + 1);
      this.#view.setUint16(this.#at, value);
      this.#at += 2;
    } else {
      this.#byte(first + 2);
      this.#view.setUint32(this.#at, value);
      this.#at += 4;
    }
  }

  #byte(value: number): void {
    this.#bytes[this.#at++] = value;
  }

  #copy(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }
}
