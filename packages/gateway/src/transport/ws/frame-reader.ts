/**
 * The frames of one WebSocket client as a server reads them, RFC 6455 section 5: masked, in pieces of any size, messages in any number of
 * fragments with control frames between them. Owns what has not come whole yet, and nothing while a connection is idle. Must
 * not know sockets, nor what messages say: that text is UTF-8 is its reader's to check, and the reason of a close frame is not looked at.
 *
 * Nothing is kept for a length that a client only names: what is kept is at most twice what came, and a message above
 * the limit is refused by its header.
 */

export interface FrameHandlers {
  /** A whole message. The bytes are the handler's. */
  onMessage(payload: Uint8Array, form: MessageForm): void;
  onPing(payload: Uint8Array): void;
  onPong(payload: Uint8Array): void;
  /** Nothing is read after it. @param code {@link NO_CODE} where the client names none */
  onClose(code: number): void;
}

export interface MessageForm {
  readonly isBinary: boolean;
  /** Its payload is deflated, RFC 7692. */
  readonly isCompressed: boolean;
}

export interface FrameLimits {
  /** Bytes of a message, all its fragments together. */
  readonly maxMessageBytes: number;
  readonly maxFragments: number;
  /** permessage-deflate was agreed on. Default false. */
  readonly mayCompress?: boolean;
}

/** Why nothing more can be read. */
export interface FrameViolation {
  /** Close code of RFC 6455. */
  readonly code: number;
  readonly why: string;
}

export const NO_CODE = 1005;
export const MESSAGE_TOO_BIG = 1009;

const CONTINUATION = 0x0;
const BINARY = 0x2;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;
const FINAL = 0x80;
const RESERVED = 0x70;
const COMPRESSED = 0x40;
const MASKED = 0x80;
const MASK_BYTES = 4;
const MAX_CONTROL_BYTES = 125;

const violation = (code: number, why: string): FrameViolation => ({ code, why });
const RESERVED_BIT = violation(1002, 'a reserved bit is set');
const UNMASKED = violation(1002, 'a frame is not masked');
const UNKNOWN_OPCODE = violation(1002, 'a frame of unknown kind');
const BROKEN_CONTROL = violation(1002, 'a control frame is too long or fragmented');
const NOTHING_TO_CONTINUE = violation(1002, 'a fragment continues nothing');
const INTERRUPTED = violation(1002, 'a message begins before the last one has ended');
const BROKEN_CLOSE = violation(1002, 'a close frame without a valid code');
const TOO_BIG = violation(MESSAGE_TOO_BIG, 'a message is too large');
const TOO_MANY_FRAGMENTS = violation(1008, 'a message of too many fragments');

/** A message of which not all fragments have come. */
interface Fragments {
  readonly form: MessageForm;
  readonly payload: GrowingBytes;
  count: number;
}

export class FrameReader {
  /** A frame of which not all has come. */
  #unread: GrowingBytes | undefined;
  #message: Fragments | undefined;
  #ended = false;

  /**
   * Reads on. What handlers do must not come back here.
   * @param chunk the reader's from now on: it is unmasked in place, and messages are views into it
   * @returns why nothing more can be read; whatever comes afterwards is ignored
   */
  read(chunk: Uint8Array, limits: FrameLimits, handlers: FrameHandlers): FrameViolation | undefined {
    if (this.#ended) return undefined;
    const bytes = this.#unread?.with(chunk) ?? chunk;
    let at = 0;
    while (bytes.length - at >= 2) {
      const first = bytes[at] as number;
      const second = bytes[at + 1] as number;
      const objection = this.#objection(first, second, limits);
      if (objection) return this.#end(objection);
      const lengthEnd = at + 2 + extendedBytes(second);
      if (lengthEnd > bytes.length) break;
      const length = payloadLength(bytes, at);
      if (isData(first) && length + (this.#message?.payload.length ?? 0) > limits.maxMessageBytes)
        return this.#end(TOO_BIG);
      const begin = lengthEnd + MASK_BYTES;
      const end = begin + length;
      if (end > bytes.length) break;
      const payload = bytes.subarray(begin, end);
      unmask(payload, bytes, lengthEnd);
      at = end;
      const flaw = this.#take(first, payload, limits, handlers);
      if (flaw) return this.#end(flaw);
      if (this.#ended) return undefined;
    }
    this.#keep(bytes, at);
    return undefined;
  }

  /** What the first two bytes alone forbid. */
  #objection(first: number, second: number, { mayCompress }: FrameLimits): FrameViolation | undefined {
    const opcode = first & 0x0f;
    const reserved = first & RESERVED;
    // Said by the first frame of a message, for all of it.
    const mayBeCompressed = mayCompress && opcode !== CONTINUATION && opcode < CLOSE;
    if (reserved !== 0 && !(mayBeCompressed && reserved === COMPRESSED)) return RESERVED_BIT;
    if ((second & MASKED) === 0) return UNMASKED;
    if (opcode >= CLOSE) {
      const length = second & 0x7f;
      if (opcode > PONG) return UNKNOWN_OPCODE;
      if ((first & FINAL) === 0 || length > MAX_CONTROL_BYTES) return BROKEN_CONTROL;
      return opcode === CLOSE && length === 1 ? BROKEN_CLOSE : undefined;
    }
    if (opcode > BINARY) return UNKNOWN_OPCODE;
    if (opcode === CONTINUATION) return this.#message ? undefined : NOTHING_TO_CONTINUE;
    return this.#message ? INTERRUPTED : undefined;
  }

  #take(first: number, payload: Uint8Array, limits: FrameLimits, handlers: FrameHandlers): FrameViolation | undefined {
    switch (first & 0x0f) {
      case PING:
        handlers.onPing(payload);
        return undefined;
      case PONG:
        handlers.onPong(payload);
        return undefined;
      case CLOSE:
        return this.#takeClose(payload, handlers);
      default:
        return this.#takeData(first, payload, limits, handlers);
    }
  }

  #takeData(
    first: number,
    payload: Uint8Array,
    { maxFragments, maxMessageBytes }: FrameLimits,
    handlers: FrameHandlers,
  ): FrameViolation | undefined {
    const isFinal = (first & FINAL) !== 0;
    if (isFinal && !this.#message) {
      handlers.onMessage(payload, formOf(first));
      return undefined;
    }
    this.#message ??= { form: formOf(first), payload: new GrowingBytes(maxMessageBytes), count: 0 };
    const message = this.#message;
    message.count += 1;
    if (message.count > maxFragments) return TOO_MANY_FRAGMENTS;
    const whole = message.payload.with(payload);
    if (!isFinal) return undefined;
    this.#message = undefined;
    handlers.onMessage(whole, message.form);
    return undefined;
  }

  #takeClose(payload: Uint8Array, handlers: FrameHandlers): FrameViolation | undefined {
    const [high, low] = payload;
    const code = high === undefined || low === undefined ? NO_CODE : (high << 8) | low;
    if (payload.length > 0 && !maySend(code)) return BROKEN_CLOSE;
    this.#end(undefined);
    handlers.onClose(code);
    return undefined;
  }

  #keep(bytes: Uint8Array, from: number): void {
    if (from === bytes.length) {
      this.#unread = undefined;
    } else if (from > 0 || !this.#unread) {
      this.#unread = new GrowingBytes(Number.POSITIVE_INFINITY);
      this.#unread.with(bytes.subarray(from));
    }
  }

  #end(why: FrameViolation | undefined): FrameViolation | undefined {
    this.#ended = true;
    this.#unread = this.#message = undefined;
    return why;
  }
}

/** Bytes that come piece by piece, in memory of their own that doubles when it must: pieces need not be kept. */
class GrowingBytes {
  readonly #most: number;
  #bytes = Buffer.allocUnsafeSlow(0);
  length = 0;

  /** @param most no more room than that is taken beforehand */
  constructor(most: number) {
    this.#most = most;
  }

  /** Adds a piece. @returns a view of all that came; good until the next piece */
  with(piece: Uint8Array): Uint8Array {
    const length = this.length + piece.length;
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, Math.min(2 * this.#bytes.length, this.#most)));
      larger.set(this.#bytes.subarray(0, this.length));
      this.#bytes = larger;
    }
    this.#bytes.set(piece, this.length);
    this.length = length;
    return this.#bytes.subarray(0, length);
  }
}

const FORMS: readonly MessageForm[] = [false, true].flatMap((isCompressed) =>
  [false, true].map((isBinary) => ({ isBinary, isCompressed })),
);

/** One object for all messages of a form. */
function formOf(first: number): MessageForm {
  const isBinary = (first & 0x0f) === BINARY ? 1 : 0;
  return FORMS[isBinary + ((first & COMPRESSED) === 0 ? 0 : 2)] as MessageForm;
}

function isData(first: number): boolean {
  return (first & 0x0f) < CLOSE;
}

/** Bytes of the length that the second byte announces. */
function extendedBytes(second: number): number {
  const length = second & 0x7f;
  return length === 127 ? 8 : length === 126 ? 2 : 0;
}

/** Of the frame at a place; its header must be there. */
function payloadLength(bytes: Uint8Array, at: number): number {
  const length = (bytes[at + 1] as number) & 0x7f;
  if (length < 126) return length;
  const size = extendedBytes(length);
  let long = 0;
  // As a number that is exact up to 2^53, and too large above.
  for (let i = at + 2; i < at + 2 + size; i += 1) long = long * 256 + (bytes[i] as number);
  return long;
}

/** @param mask where the four bytes of the mask stand in `bytes` */
function unmask(payload: Uint8Array, bytes: Uint8Array, mask: number): void {
  const [a, b, c, d] = [bytes[mask], bytes[mask + 1], bytes[mask + 2], bytes[mask + 3]] as [
    number,
    number,
    number,
    number,
  ];
  if ((a | b | c | d) === 0) return;
  const { length } = payload;
  const even = length & ~3;
  for (let i = 0; i < even; i += 4) {
    (payload[i] as number) ^= a;
    (payload[i + 1] as number) ^= b;
    (payload[i + 2] as number) ^= c;
    (payload[i + 3] as number) ^= d;
  }
  for (let i = even; i < length; i += 1) (payload[i] as number) ^= bytes[mask + (i & 3)] as number;
}

/** Codes that may stand in a close frame, RFC 6455 section 7.4. */
function maySend(code: number): boolean {
  return (
    (code >= 1000 && code <= 1014 && code !== 1004 && code !== NO_CODE && code !== 1006) ||
    (code >= 3000 && code <= 4999)
  );
}
