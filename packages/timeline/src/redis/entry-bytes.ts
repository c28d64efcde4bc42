/**
 * How an entry lies in Redis. The script writes the first half, the store the second; numbers are big-endian:
 *
 *   appended at, ms (double) · version (double) · size of the body (4 bytes) · 1 when a reference stands for it · length of the id (2) · id
 *   length of the event (2) · event · time, ms (double) · body, or the 32 characters of its reference
 */
import type { Entry, NewEntry } from '../log-store.js';

const SCRIPT_BYTES = 8 + 8 + 4 + 1 + 2;

/** The store's half. @param body the body, or the reference to it */
export function encodeEntry(entry: NewEntry, body: Uint8Array): Buffer {
  const event = Buffer.byteLength(entry.event);
  const bytes = Buffer.allocUnsafe(2 + event + 8 + body.byteLength);
  bytes.writeUInt16BE(event, 0);
  bytes.write(entry.event, 2);
  bytes.writeDoubleBE(entry.time, 2 + event);
  bytes.set(body, 2 + event + 8);
  return bytes;
}

/** Both halves, the body in its place. The body is a view into them. */
export function decodeEntry(bytes: Buffer, version: number): Entry {
  const idEnd = SCRIPT_BYTES + bytes.readUInt16BE(SCRIPT_BYTES - 2);
  const eventEnd = idEnd + 2 + bytes.readUInt16BE(idEnd);
  return {
    version,
    ...(idEnd > SCRIPT_BYTES && { id: bytes.toString('utf8', SCRIPT_BYTES, idEnd) }),
    event: bytes.toString('utf8', idEnd + 2, eventEnd),
    time: bytes.readDoubleBE(eventEnd),
    body: bytes.subarray(eventEnd + 8),
  };
}
