/** One message inside a record: `bodyBytes:u32 time:f64 eventBytes:u8 idBytes:u8 event id body`. Bodies are opaque. */
import { MAX_BODY_BYTES, type Publication } from '@im/protocol';
import { MESSAGE_HEAD_BYTES } from './bus-format.js';
import { type PackBuffer, writeAscii } from './pack-buffer.js';

/** Checked publications only. */
export function writeMessage(pack: PackBuffer, { event, body, id, time }: Publication): void {
  const bytes = pack.reserve(messageBytes(event, body, id));
  const start = pack.length;
  let at = writeAscii(bytes, event, start + MESSAGE_HEAD_BYTES);
  let idBytes = 0;
  if (id !== undefined) {
    idBytes = bytes.write(id, at, 'utf8');
    at += idBytes;
  }
  bytes.set(body, at);
  bytes.writeUInt32LE(body.byteLength, start);
  bytes.writeDoubleLE(time, start + 4);
  bytes[start + 12] = event.length;
  bytes[start + 13] = idBytes;
  pack.length = at + body.byteLength;
}

/** At most. */
export function messageBytes(event: string, body: Uint8Array, id: string | undefined): number {
  return MESSAGE_HEAD_BYTES + event.length + body.byteLength + (id === undefined ? 0 : id.length * 3);
}

/** Where the message ends that begins there; -1 when it does not end before `end`, or could not have been sent. */
export function endOfMessage(bytes: Buffer, at: number, end: number): number {
  if (at + MESSAGE_HEAD_BYTES > end) return -1;
  const bodyBytes = bytes.readUInt32LE(at);
  if (bodyBytes > MAX_BODY_BYTES) return -1;
  const ends = at + MESSAGE_HEAD_BYTES + (bytes[at + 12] as number) + (bytes[at + 13] as number) + bodyBytes;
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
  /** A view: shares the memory of the pack. */
  body: Uint8Array = new Uint8Array(0);

  /** @param at where a message begins that is whole @returns where it ends */
  read(bytes: Buffer, at: number): number {
    const bodyBytes = bytes.readUInt32LE(at);
    this.time = bytes.readDoubleLE(at + 4);
    const eventBytes = bytes[at + 12] as number;
    const idBytes = bytes[at + 13] as number;
    let next = at + MESSAGE_HEAD_BYTES;
    if (!isText(bytes, next, eventBytes, this.event)) this.event = bytes.toString('latin1', next, next + eventBytes);
    next += eventBytes;
    this.id = idBytes === 0 ? undefined : bytes.toString('utf8', next, next + idBytes);
    next += idBytes;
    this.body = new Uint8Array(bytes.buffer, bytes.byteOffset + next, bodyBytes);
    return next + bodyBytes;
  }
}

function isText(bytes: Buffer, at: number, length: number, text: string): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}
