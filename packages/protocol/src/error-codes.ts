/**
 * The one registry of error codes (docs/errors.md says the same to people; a test keeps both equal).
 * Ranges: 1–99 client, 100–199 protocol, 200–299 auth, 300–399 rpc, 400–499 groups, 500–599 timeline,
 * 600–699 cluster, from 1000 the application's. Codes are never reused and never renumbered.
 */

interface ErrorDefinition {
  readonly code: number;
  /** Whether trying again, unchanged, may succeed. */
  readonly retryable: boolean;
  /** What happened, and what to do about it, in one line. */
  readonly message: string;
}

export const ERROR_CODES = {
  CANCELLED: { code: 1, retryable: false, message: 'cancelled by the caller' },
  TIMEOUT: { code: 2, retryable: true, message: 'no answer in time; try again, or raise the timeout' },
  DISCONNECTED: {
    code: 3,
    retryable: true,
    message: 'the connection was lost before the answer; whether it was carried out is unknown',
  },
  CLOSED: { code: 4, retryable: false, message: 'closed; create a new one' },
  CONFIG_INVALID: { code: 5, retryable: false, message: 'configuration is invalid; see details.mistakes' },
  QUEUE_FULL: { code: 6, retryable: true, message: 'the outgoing queue is full; slow down and try again' },
  INVALID_ARGUMENT: { code: 7, retryable: false, message: 'an argument is invalid; see details' },

  MALFORMED: { code: 100, retryable: false, message: 'malformed message; see docs/protocol.md' },
  FRAME_TOO_LARGE: { code: 101, retryable: false, message: 'frame exceeds limits.frameBytes; send smaller ones' },
  UNKNOWN_COMMAND: { code: 102, retryable: false, message: 'unknown command' },
  HELLO_REQUIRED: { code: 103, retryable: false, message: 'send hello first' },
  HELLO_REPEATED: { code: 104, retryable: false, message: 'hello was already sent on this connection' },
  HELLO_TIMEOUT: { code: 105, retryable: true, message: 'no hello in time' },
  RATE_LIMITED: { code: 106, retryable: true, message: 'too many commands; wait details.retryAfterMs' },
  TOO_MANY_PENDING: { code: 107, retryable: true, message: 'too many unanswered calls; await some first' },
  DUPLICATE_ID: { code: 108, retryable: false, message: 'the id belongs to an unanswered command' },

  UNAUTHORIZED: { code: 200, retryable: false, message: 'the token was refused; sign in again' },
  TOKEN_EXPIRED: { code: 201, retryable: true, message: 'the token has expired; fetch a new one' },
  VERIFIER_UNAVAILABLE: { code: 202, retryable: true, message: 'tokens cannot be verified now; try again later' },
  FORBIDDEN: { code: 203, retryable: false, message: 'not allowed' },
  KICKED: { code: 204, retryable: false, message: 'removed by a moderator or the system' },

  SERVICE_UNKNOWN: { code: 300, retryable: false, message: 'no such service' },
  METHOD_UNKNOWN: { code: 301, retryable: false, message: 'the service has no such method' },
  INVALID_INPUT: { code: 302, retryable: false, message: 'the input does not fit the method; see details.issues' },
  INTERNAL: { code: 303, retryable: false, message: 'the service failed; its log says why' },
  DEADLINE_EXCEEDED: {
    code: 304,
    retryable: true,
    message: 'no answer within the deadline; whether it was carried out is unknown',
  },
  OVERLOADED: { code: 305, retryable: true, message: 'the service is at its limit; try again later' },
  UNAVAILABLE: { code: 306, retryable: true, message: 'no worker serves this now; try again later' },
  INVALID_OUTPUT: { code: 307, retryable: false, message: 'the service answered something it does not declare' },
  CALL_LOST: {
    code: 308,
    retryable: true,
    message: 'the worker or broker was lost before the answer; it may have been carried out',
  },

  GROUP_INVALID: { code: 400, retryable: false, message: 'not a group id; see docs/protocol.md PR-60' },
  NOT_A_MEMBER: { code: 401, retryable: false, message: 'not in this group; enter it first' },
  TOO_MANY_GROUPS: { code: 402, retryable: false, message: 'in too many groups; leave some first' },
  EFFECT_REJECTED: {
    code: 403,
    retryable: false,
    message: 'the effect came too late or was overtaken by a later call',
  },

  STORE_UNAVAILABLE: { code: 500, retryable: true, message: 'the store cannot be reached; try again later' },
  EPOCH_CHANGED: { code: 501, retryable: false, message: 'the log began anew; read from its start' },
  POSITION_AHEAD: { code: 502, retryable: false, message: 'the position is ahead of the log' },
  BODY_TOO_LARGE: { code: 503, retryable: false, message: 'the body exceeds its limit; send less' },
  STORE_FULL: { code: 504, retryable: true, message: 'the store has no room; the operator must free some' },
  RECORD_CHANGED: { code: 505, retryable: true, message: 'somebody else changed it meanwhile; try again' },
  TOO_MANY_RECORDS: { code: 506, retryable: false, message: 'this owner has as many records as it may; delete some' },
  RECEIPTS_UNSERVED: { code: 507, retryable: false, message: 'nobody here counts receipts of pushes' },
  RECEIPT_UNKNOWN: { code: 508, retryable: false, message: 'no push that asked under this id is remembered' },

  SHUTTING_DOWN: { code: 600, retryable: true, message: 'this node is stopping; use another' },
  ENGINE_UNSUPPORTED: { code: 601, retryable: false, message: 'the engine cannot do this; choose another' },
} as const satisfies Record<string, ErrorDefinition>;

export type ErrorName = keyof typeof ERROR_CODES;

/** First code that applications may use for their own errors. */
export const FIRST_APPLICATION_CODE = 1000;

// Pure: who does not ask for names does not load them.
const NAMES = /* @__PURE__ */ (() =>
  new Map<number, ErrorName>(
    (Object.keys(ERROR_CODES) as ErrorName[]).map((name) => [ERROR_CODES[name].code, name]),
  ))();

/** The registered name of a code, or undefined for application codes and codes of later releases. */
export function errorName(code: number): ErrorName | undefined {
  return NAMES.get(code);
}
