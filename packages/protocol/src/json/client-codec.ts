/**
 * The client's half of `im.json.v1`. Small, because browsers load it, and lenient, because an old client must live
 * with a new gateway: it checks that what every message of a kind must have is there, and nothing more.
 */
import type { ClientCodec } from '../codec.js';
import { CodedError } from '../coded-error.js';
import type { ServerMessage } from '../messages.js';
import { JSON_SUBPROTOCOL } from './subprotocol.js';

/** What must be there, by kind. Kinds not named here are ignored (PR-7). */
const SHAPES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  welcome: {
    id: 'number',
    session: 'string',
    user: 'string',
    heartbeatMs: 'number',
    resumed: 'boolean',
    ticket: 'string',
    groups: 'object',
    left: 'object',
    limits: 'object',
    time: 'number',
  },
  reply: { id: 'number' },
  error: { code: 'number', name: 'string', message: 'string', retryable: 'boolean' },
  push: { group: 'string', event: 'string' },
  shed: { group: 'string', reason: 'string' },
  joined: { group: 'string', epoch: 'string', version: 'number' },
  left: { group: 'string', code: 'number', reason: 'string' },
  reset: { group: 'string', epoch: 'string', version: 'number' },
  synced: { id: 'number', group: 'string', epoch: 'string', version: 'number', more: 'boolean' },
  ticket: { ticket: 'string' },
  drain: { afterMs: 'number' },
  ping: {},
  pong: {},
};

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
      // The registry, which has the same, is larger than all of this.
      throw new CodedError({ code: 100, name: 'MALFORMED', message: 'malformed message', retryable: false }, cause);
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
  const shape = SHAPES[type];
  for (const name in shape) {
    if (message[name] === null || typeof message[name] !== shape[name]) throw new TypeError(name);
  }
  return true;
}
