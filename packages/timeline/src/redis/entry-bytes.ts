/**
 * How an entry lies in Redis. The script writes the first two numbers, the store the rest; numbers are big-endian:
 *
 *   appended at, ms (double) · version (double)
 *   size of the body (4 bytes) · 1 when a reference stands for it · length of the id (2) · id
 *   length of the event (2) · event · time, ms (double) · body, or the 32 characters of its reference
 */
import type { Entry, NewEntry } from '../log-store.js';

const SCRIPT_BYTES = 8 + 8;
const ID_AT = 4 + 1 + 2;

/** What the store writes. @param reference stands for the body, which lies elsewhere */
export function encodeEntry(entry: NewEntry, reference?: Uint8Array): Buffer {
  const { id = '', event, time, body } = entry;
  const last = reference ?? body;
  const eventAt = ID_AT + Buffer.byteLength(id);
  const timeAt = eventAt + 2 + Buffer.byteLength(event);
  const bytes = Buffer.allocUnsafe(timeAt + 8 + last.length);
  bytes.writeUInt32BE(body.length, 0);
  bytes.writeUInt8(reference === undefined ? 0 : 1, 4);
  bytes.writeUInt16BE(eventAt - ID_AT, 5);
  bytes.write(id, ID_AT);
  bytes.writeUInt16BE(timeAt - eventAt - 2, eventAt);
  bytes.write(event, eventAt + 2);
  bytes.writeDoubleBE(time, timeAt);
  bytes.set(last, timeAt + 8);
  return bytes;
}

/** All of it, the body in its place. The body is a view into it. */
export function decodeEntry(bytes: Buffer, version: number): Entry {
  const idAt = SCRIPT_BYTES + ID_AT;
  const eventAt = idAt + bytes.readUInt16BE(idAt - 2);
  const timeAt = eventAt + 2 + bytes.readUInt16BE(eventAt);
  return {
    version,
    ...(eventAt > idAt && { id: bytes.toString('utf8', idAt, eventAt) }),
    event: bytes.toString('utf8', eventAt + 2, timeAt),
    time: bytes.readDoubleBE(timeAt),
    body: bytes.subarray(timeAt + 8),
  };
}
