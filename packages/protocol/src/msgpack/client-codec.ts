/** The client's half of `im.msgpack.v1`: as lenient as that of `im.json.v1`. */
import { decodeMulti } from '@msgpack/msgpack';
import type { ClientCodec } from '../codec.js';
import { isServerMessage, unreadable } from '../grammar/server-shapes.js';
import { encodeMap } from './encode-map.js';
import { memberName } from './member-numbers.js';
import { MSGPACK_SUBPROTOCOL } from './subprotocol.js';

/** Numbers become names as they are read: in objects `2` and `'2'` would be one. */
const DECODING = {
  mapKeyConverter(given: unknown): string {
    if (typeof given === 'string' || typeof given === 'number') return memberName(given);
    throw new TypeError('a name that is neither text nor a number');
  },
};

/** Frames are what binary WebSocket messages hold, as bytes or, as browsers give them, as an ArrayBuffer. */
export const msgpackClientCodec: ClientCodec<Uint8Array<ArrayBuffer>, Uint8Array | ArrayBuffer> = {
  subprotocol: MSGPACK_SUBPROTOCOL,
  encode: (message) => encodeMap('data' in message ? { ...message, data: JSON.stringify(message.data) } : message),
  decode(frame) {
    try {
      return Array.from(decodeMulti(bytesOf(frame), DECODING), parsed).filter(isServerMessage);
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

/** A message with what travels as JSON text parsed. */
function parsed(message: unknown): Record<string, unknown> {
  if (typeof message !== 'object' || Array.isArray(message)) throw new TypeError('not a map');
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(message as Record<string, unknown>)) {
    result[name] = name === 'data' || name === 'details' ? JSON.parse(value as string) : value;
  }
  return result;
}
