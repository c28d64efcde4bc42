/** What a message of a gateway must have to be one, for clients: lenient, because an old one must live with a new gateway. */
import { CodedError } from '../coded-error.js';
import type { ServerMessage } from '../messages.js';

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

/** False for unknown kinds. Throws when a known kind lacks what it must have. */
export function isServerMessage(
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

/** The registry, which has the same, is larger than all of this. */
export function unreadable(cause: unknown): CodedError {
  return new CodedError({ code: 100, name: 'MALFORMED', message: 'malformed message', retryable: false }, { cause });
}
