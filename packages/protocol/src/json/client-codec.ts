/**
 * The client's half of `im.json.v1`. Small, because browsers load it, and lenient, because an old client must live
 * with a new gateway: it checks that what every message of a kind must have is there, and nothing more.
 */
import type { ClientCodec } from '../codec.js';
import { ImError } from '../im-error.js';
import type { ServerMessage } from '../messages.js';
import { JSON_SUBPROTOCOL } from './subprotocol.js';

/** What must be there, by kind: names of numbers, strings, booleans, objects. Kinds not named here are ignored (PR-7). */
const SHAPES: Record<string, readonly string[]> = {
  welcome: ['id heartbeatMs time', 'session user ticket', 'resumed', 'groups left limits'],
  reply: ['id', ''],
  error: ['code', 'name message', 'retryable'],
  push: ['', 'group event'],
  shed: ['', 'group reason'],
  joined: ['version', 'group epoch'],
  left: ['code', 'group reason'],
  reset: ['version', 'group epoch'],
  synced: ['id version', 'group epoch', 'more'],
  ticket: ['', 'ticket'],
  drain: ['afterMs', ''],
  ping: ['', ''],
  pong: ['', ''],
};
const TYPES = ['number', 'string', 'boolean', 'object'];

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
      throw new ImError('MALFORMED', { cause });
    }
  },
};

/** False for unknown kinds. Throws when a known kind lacks what it must have. */
function isServerMessage(
  message: Record<string, unknown>,
): message is ServerMessage<unknown> & Record<string, unknown> {
  const { type } = message;
  if (typeof type !== 'string') throw new TypeError('type');
  if (!Object.hasOwn(SHAPES, type)) return false;
  SHAPES[type]?.forEach((names, index) => {
    for (const name of names.split(' ')) {
      const value = message[name];
      if (name && (value === null || typeof value !== TYPES[index])) throw new TypeError(name);
    }
  });
  return true;
}
