/**
 * Reads the frames of one WebSocket server from a byte stream, keeping a payload only when it is asked for. Owns the
 * position in the stream; knows no messages. Enough of RFC 6455 for a load generator: unfragmented frames.
 */

/** What to do with a frame, decided by its header alone. */
export type FrameUse = 'skip' | 'keep';

export interface FrameHandlers {
  /** Called once a frame, before its payload has come. */
  onFrame(opcode: number, length: number): FrameUse;
  /** The payload of a frame that was to be kept; valid during the call. @param compressed as RFC 7692 says */
  onPayload(opcode: number, payload: Buffer, compressed: boolean): void;
}

/** Longest header of a server's frame: two bytes and a 64-bit length. */
const MAX_HEADER = 10;
const COMPRESSED = 0x40;

export class FrameReader {
  readonly #handlers: FrameHandlers;
  /** Bytes of a header of which not all have come. */
  #header = Buffer.alloc(0);
  #opcode = 0;
  #compressed = false;
  /** Bytes of the current payload that have not come. */
  #missing = 0;
  /** Parts of the payload, when it is kept. */
  #parts: Buffer[] | undefined;

  constructor(handlers: FrameHandlers) {
    this.#handlers = handlers;
  }

  /** @param bytes valid during the call only @throws Error for what a server must not send */
  read(bytes: Buffer): void {
    let data = bytes;
    if (this.#header.length > 0) {
      data = Buffer.concat([this.#header, bytes]);
      this.#header = Buffer.alloc(0);
    }
    let at = 0;
    while (at < data.length || (this.#missing === 0 && this.#parts !== undefined)) {
      if (this.#missing > 0 || this.#parts !== undefined) {
        at = this.#payload(data, at);
        if (this.#missing > 0) return;
        continue;
      }
      const size = headerSize(data, at);
      if (size === undefined) {
        this.#header = Buffer.from(data.subarray(at));
        return;
      }
      const first = data[at] as number;
      if ((first & 0xb0) !== 0x80 || ((data[at + 1] as number) & 0x80) !== 0) {
        throw new Error('a fragmented or masked frame');
      }
      this.#compressed = (first & COMPRESSED) !== 0;
      this.#opcode = first & 0x0f;
      this.#missing = payloadLength(data, at);
      this.#parts = this.#handlers.onFrame(this.#opcode, this.#missing) === 'keep' ? [] : undefined;
      at += size;
    }
  }

  #payload(data: Buffer, at: number): number {
    const end = Math.min(data.length, at + this.#missing);
    const part = data.subarray(at, end);
    this.#missing -= part.length;
    const parts = this.#parts;
    if (parts === undefined) return end;
    if (this.#missing > 0) {
      parts.push(Buffer.from(part));
      return end;
    }
    this.#parts = undefined;
    const payload = parts.length === 0 ? part : Buffer.concat([...parts, part]);
    this.#handlers.onPayload(this.#opcode, payload, this.#compressed);
    return end;
  }
}

function headerSize(data: Buffer, at: number): number | undefined {
  const available = Math.min(data.length - at, MAX_HEADER);
  if (available < 2) return undefined;
  const length = (data[at + 1] as number) & 0x7f;
  const size = length === 127 ? 10 : length === 126 ? 4 : 2;
  return available < size ? undefined : size;
}

function payloadLength(data: Buffer, at: number): number {
  const length = (data[at + 1] as number) & 0x7f;
  if (length === 126) return data.readUInt16BE(at + 2);
  if (length === 127) return Number(data.readBigUInt64BE(at + 2));
  return length;
}

/** A client's frame. The mask is zero: allowed, and the load generator's time is better spent elsewhere. */
export function clientFrame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const frame = Buffer.alloc(2 + extended + 4 + length);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) frame.writeUInt16BE(length, 2);
  if (extended === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  payload.copy(frame, 2 + extended + 4);
  return frame;
}
