/**
 * One message inside a record: `bodyBytes:u32 time:f64 eventBytes:u8 idBytes:u8 [terms] event id body`. Names of events have
 * at most 64 bytes: the high bit of `eventBytes` says that there are terms. Bodies are opaque.
 */
import { type Delivery, type Lane, MAX_BODY_BYTES, type Publication, type Terms } from '@im/protocol';
import { MESSAGE_HEAD_BYTES } from './bus-format.js';
import { type PackBuffer, readUint32, writeAscii, writeUint32 } from './pack-buffer.js';
import { endOfTerms, TermsReader, termsBytes, writeTerms } from './terms.js';

const HAS_TERMS = 0x80;
const NO_MEMORY = new ArrayBuffer(0);
const EVENT_BYTES = 0x7f;

/** Checked publications only. */
export function writeMessage(pack: PackBuffer, publication: Publication): void {
  const { event, body, id, time, terms } = publication;
  const bytes = pack.reserve(messageBytes(publication));
  const start = pack.length;
  let at = start + MESSAGE_HEAD_BYTES;
  if (terms !== undefined) at = writeTerms(bytes, terms, at);
  at = writeAscii(bytes, event, at);
  let idBytes = 0;
  if (id !== undefined) {
    idBytes = bytes.write(id, at, 'utf8');
    at += idBytes;
  }
  bytes.set(body, at);
  writeUint32(bytes, body.length, start);
  bytes.writeDoubleLE(time, start + 4);
  bytes[start + 12] = terms === undefined ? event.length : event.length | HAS_TERMS;
  bytes[start + 13] = idBytes;
  pack.length = at + body.length;
}

/** At most. */
export function messageBytes({ event, body, id, terms }: Publication): number {
  const bytes = MESSAGE_HEAD_BYTES + event.length + body.length + (id === undefined ? 0 : id.length * 3);
  return terms === undefined ? bytes : bytes + termsBytes(terms);
}

/** Where the message ends that begins there; -1 when it does not end before `end`, or could not have been sent. */
export function endOfMessage(bytes: Buffer, start: number, end: number): number {
  let at = start + MESSAGE_HEAD_BYTES;
  if (at > end) return -1;
  const bodyBytes = readUint32(bytes, start);
  if (bodyBytes > MAX_BODY_BYTES) return -1;
  const eventBytes = bytes[start + 12] as number;
  if (eventBytes >= HAS_TERMS) {
    at = endOfTerms(bytes, at, end);
    if (at < 0) return -1;
  }
  const ends = at + (eventBytes & EVENT_BYTES) + (bytes[start + 13] as number) + bodyBytes;
  return ends > end ? -1 : ends;
}

/** Whether exactly so many messages lie there. */
export function areMessages(bytes: Buffer, start: number, end: number, count: number): boolean {
  let at = start;
  for (let left = count; left > 0; left--) {
    at = endOfMessage(bytes, at, end);
    if (at < 0) return false;
  }
  return at === end;
}

/** Reads messages one after the other; texts that repeat are made once. */
export class MessageReader {
  event = '';
  id: string | undefined;
  time = 0;
  terms: Terms | undefined;
  /** A view: shares the memory of the pack. */
  body: Uint8Array = new Uint8Array(0);
  readonly #terms = new TermsReader();
  /** The pack that was read last, and its memory: V8 is slow with `buffer` and `byteOffset`. */
  #pack: Buffer | undefined;
  #memory: ArrayBufferLike = NO_MEMORY;
  #offset = 0;
  /** Of the message that was read last. */
  #at = -1;
  #end = 0;

  /** @param at where a message begins that is whole @returns where it ends */
  read(bytes: Buffer, at: number): number {
    if (bytes !== this.#pack) this.#open(bytes);
    // One message to many groups is read for each of them.
    else if (at === this.#at) return this.#end;
    this.#at = -1;
    const bodyBytes = readUint32(bytes, at);
    this.time = bytes.readDoubleLE(at + 4);
    const eventBytes = (bytes[at + 12] as number) & EVENT_BYTES;
    const idBytes = bytes[at + 13] as number;
    let next = at + MESSAGE_HEAD_BYTES;
    if ((bytes[at + 12] as number) >= HAS_TERMS) {
      this.terms = this.#terms.read(bytes, next);
      next = this.#terms.end;
    } else this.terms = undefined;
    if (!isText(bytes, next, eventBytes, this.event)) this.event = bytes.toString('latin1', next, next + eventBytes);
    next += eventBytes;
    this.id = idBytes === 0 ? undefined : bytes.toString('utf8', next, next + idBytes);
    next += idBytes;
    this.body = new Uint8Array(this.#memory, this.#offset + next, bodyBytes);
    this.#at = at;
    this.#end = next + bodyBytes;
    return this.#end;
  }

  #open(pack: Buffer): void {
    this.#pack = pack;
    this.#memory = pack.buffer;
    this.#offset = pack.byteOffset;
  }

  /** What was read last, as it was published. */
  publication(lane: Lane): Publication {
    const { event, body, id, time, terms } = this;
    const publication = id === undefined ? { lane, event, body, time } : { lane, event, body, id, time };
    return terms === undefined ? publication : { ...publication, terms };
  }

  /** What was read last, as delivered on the normal lane. */
  delivery(group: string): Delivery {
    const { event, body, id, time, terms } = this;
    const delivery: Delivery =
      id === undefined
        ? { lane: 'normal', event, body, time, group }
        : { lane: 'normal', event, body, id, time, group };
    return terms === undefined ? delivery : { ...delivery, terms };
  }
}

function isText(bytes: Buffer, at: number, length: number, text: string): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}
