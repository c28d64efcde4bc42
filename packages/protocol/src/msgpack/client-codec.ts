/** The client's half of `im.msgpack.v1`: as lenient as that of `im.json.v1`. */
import { decodeMulti, encode } from '@msgpack/msgpack';
import type { ClientCodec } from '../codec.js';
import { isServerMessage, unreadable } from '../grammar/server-shapes.js';
import { MEMBER_NAMES } from './member-numbers.js';
import { MSGPACK_SUBPROTOCOL } from './subprotocol.js';

const NAMES: ReadonlyMap<string, string> = new Map(Object.entries(MEMBER_NAMES));

/** Frames are what binary WebSocket messages hold, as bytes or, as browsers give them, as an ArrayBuffer. */
export const msgpackClientCodec: ClientCodec<Uint8Array<ArrayBuffer>, Uint8Array | ArrayBuffer> = {
  subprotocol: MSGPACK_SUBPROTOCOL,
  encode: (message) =>
    encode('data' in message ? { ...message, data: JSON.stringify(message.data) } : message, { ignoreUndefined: true }),
  decode(frame) {
    try {
      return Array.from(decodeMulti(bytesOf(frame)), named).filter(isServerMessage);
    } catch (cause) {
      throw unreadable(cause);
    }
  },
};

/** A text frame is none of ours, whatever the types say. */
function bytesOf(frame: Uint8Array | ArrayBuffer): Uint8Array | ArrayBuffer {
  if (typeof frame === 'string') throw new TypeError('a text frame');
  return frame;
}

/** A message with the names of its members, and what travels as JSON text parsed. */
function named(message: unknown): Record<string, unknown> {
  if (typeof message !== 'object' || Array.isArray(message)) throw new TypeError('not a map');
  const result: Record<string, unknown> = {};
  for (const [given, value] of Object.entries(message as Record<string, unknown>)) {
    const name = NAMES.get(given) ?? given;
    result[name] = name === 'data' || name === 'details' ? JSON.parse(value as string) : value;
  }
  return result;
}
