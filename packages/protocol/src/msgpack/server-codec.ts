/** The gateway's half of `im.msgpack.v1`. */
import type { ServerCodec } from '../codec.js';
import { decodeCommands } from './decode-commands.js';
import { encodeMessage, joinMaps } from './encode-message.js';
import { MSGPACK_SUBPROTOCOL } from './subprotocol.js';

/** Bodies are JSON text in UTF-8 without line breaks, as everywhere; they are passed on byte for byte in both directions (PR-51). */
export const msgpackServerCodec: ServerCodec = {
  subprotocol: MSGPACK_SUBPROTOCOL,
  decode: decodeCommands,
  encode: encodeMessage,
  join: joinMaps,
};
