/**
 * Pings that ask for confirmation (PR-115), alone or right behind a chunk, in one piece. All clients that are asked at the same time are
 * asked by the same bytes, so only the last of each is remembered.
 */
import { OPCODE, serverFrame } from './server-frame.js';

/** Of the number in such a ping. */
export const PROBE_BYTES = 4;
/** A larger chunk is not copied for a ping. */
const MAX_JOINED_BYTES = 65_536;

let last = { number: -1, frame: new Uint8Array(0) as Uint8Array };
let joined = { chunk: last.frame, number: -1, bytes: last.frame };

export function probeFrame(number: number): Uint8Array {
  if (last.number !== number) {
    const payload = Buffer.alloc(PROBE_BYTES);
    payload.writeUInt32BE(number);
    last = { number, frame: serverFrame(payload, OPCODE.ping) };
  }
  return last.frame;
}

/** @returns undefined where chunk and ping are better written one after the other */
export function withProbe(chunk: Uint8Array, number: number): Uint8Array | undefined {
  if (chunk.length > MAX_JOINED_BYTES) return undefined;
  if (joined.chunk !== chunk || joined.number !== number) {
    joined = { chunk, number, bytes: Buffer.concat([chunk, probeFrame(number)]) };
  }
  return joined.bytes;
}
