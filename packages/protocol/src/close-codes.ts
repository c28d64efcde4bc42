/**
 * Close codes. The range carries the decision: 4000–4499 reconnect, 4500–4999 do not,
 * so that an SDK obeys codes made after it.
 */
export const CLOSE_CODES = {
  GOING_AWAY: { code: 4000, reason: 'the gateway is stopping or moves its clients' },
  HEARTBEAT_TIMEOUT: { code: 4001, reason: 'nothing was heard from the client' },
  SLOW_CONSUMER: { code: 4002, reason: 'the client does not read fast enough' },
  HELLO_TIMEOUT: { code: 4003, reason: 'no hello in time' },
  TRY_AGAIN_LATER: { code: 4004, reason: 'the gateway takes no more connections now' },
  VERIFIER_UNAVAILABLE: { code: 4005, reason: 'tokens cannot be verified now' },
  TOKEN_EXPIRED: { code: 4007, reason: 'the token has expired; fetch a new one' },
  RATE_LIMITED: { code: 4008, reason: 'far too many commands' },
  MALFORMED: { code: 4500, reason: 'malformed message' },
  FRAME_TOO_LARGE: { code: 4501, reason: 'frame exceeds the limit' },
  UNAUTHORIZED: { code: 4502, reason: 'the token was refused' },
  REMOVED: { code: 4503, reason: 'removed by a moderator or the system' },
  SESSION_TAKEN_OVER: { code: 4505, reason: 'the session continues on another connection' },
  PROTOCOL_VIOLATION: { code: 4507, reason: 'a message that is not allowed in this state' },
  DEVICE_REPLACED: { code: 4508, reason: 'the user signed in on another device' },
} as const satisfies Record<string, { code: number; reason: string }>;

export type CloseName = keyof typeof CLOSE_CODES;

/** PR-120 and PR-121: whether a client reconnects after this close code. */
export function shouldReconnect(code: number): boolean {
  return code < 4500 || code > 4999;
}
