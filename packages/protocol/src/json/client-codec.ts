/**
 * The client's half of `im.json.v1`. Small, because browsers load it, and lenient, because an old client must live
 * with a new gateway: it checks that what every message of a kind must have is there, and nothing more.
 */
import type { ClientCodec } from '../codec.js';
import { isServerMessage, unreadable } from '../grammar/server-shapes.js';
import { JSON_SUBPROTOCOL } from './subprotocol.js';

export const jsonClientCodec: ClientCodec<string> = {
  subprotocol: JSON_SUBPROTOCOL,
  encode: (message) => JSON.stringify(message),
  decode(frame) {
    try {
      return frame
        .split('\n')
        .filter((line) => line && line !== '\r')
        .map((line) => JSON.parse(line))
        .filter(isServerMessage);
    } catch (cause) {
      throw unreadable(cause);
    }
  },
};
