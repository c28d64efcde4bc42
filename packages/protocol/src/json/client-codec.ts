/**
 * The client's half of `im.json.v1`. Small, because browsers load it, and lenient, because an old client must live
 * with a new gateway: it checks that what every message of a kind must have is there, and nothing more.
 */
import type { ClientCodec } from '../codec.js';
import { CodedError } from '../coded-error.js';
import type { ServerMessage } from '../messages.js';
import { JSON_SUBPROTOCOL } from './subprotocol.js';

/** What must be there, by kind: values of the same types as these. Kinds not named here are ignored (PR-7). */
const joined = { group: '', epoch: '', version: 0 };
const SHAPES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  welcome: {
    id: 0,
    session: '',
    user: '',
    heartbeatMs: 0,
    resumed: true,
    ticket: '',
    groups: [],
    left: [],
    limits: {},
    time: 0,
  },
  reply: { id: 0 },
  error: { code: 0, name: '', message: '', retryable: true },
  push: { group: '', event: '' },
  shed: { group: '', reason: '' },
  joined,
  left: { group: '', code: 0, reason: '' },
  reset: joined,
  synced: { ...joined, id: 0, more: true },
  ticket: { ticket: '' },
  drain: { afterMs: 0 },
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
    if (message[name] === null || typeof message[name] !== typeof shape[name]) throw new TypeError(name);
  }
  return true;
}
