/**
 * Server-to-client WebSocket frames, RFC 6455 section 5.2: unmasked and final. Pure.
 */

const FINAL = 0x80;
/** RFC 7692, section 6: the payload is deflated. Part of the opcode that {@link serverFrame} takes. */
export const COMPRESSED = 0x40;

export const OPCODE = { text: 0x1, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const;

/** One complete frame around a copy of the payload. @param opcode with {@link COMPRESSED} where it is */
export function serverFrame(payload: Uint8Array, opcode: number): Uint8Array {
  const length = payload.length;
  const headerLength = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(headerLength + length);
  frame[0] = FINAL | opcode;
  if (headerLength === 2) {
    frame[1] = length;
  } else if (headerLength === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    // 2^32 bytes and more cannot be a Buffer that this protocol makes.
    frame.writeUInt32BE(0, 2);
    frame.writeUInt32BE(length, 6);
  }
  frame.set(payload, headerLength);
  return frame;
}

/** @param code undefined: none is named @param reason at most 123 bytes */
export function closeFrame(code: number | undefined, reason = ''): Uint8Array {
  if (code === undefined) return serverFrame(new Uint8Array(0), OPCODE.close);
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return serverFrame(payload, OPCODE.close);
}
