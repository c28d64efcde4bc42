/** The gateway's half of `im.json.v1`. */
import type { ServerCodec } from '../codec.js';
import { decodeCommands } from './decode-commands.js';
import { encodeMessage, joinLines } from './encode-message.js';
import { JSON_SUBPROTOCOL } from './subprotocol.js';

/** Bodies are JSON text in UTF-8 without line breaks; they are passed on byte for byte in both directions (PR-51). */
export const jsonServerCodec: ServerCodec = {
  subprotocol: JSON_SUBPROTOCOL,
  decode: decodeCommands,
  encode: encodeMessage,
  join: joinLines,
};
