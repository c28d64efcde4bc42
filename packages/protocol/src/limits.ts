/** Limits of the client protocol: the defaults of docs/limits.md. Gateways may be configured otherwise and tell their own in `welcome`. */

/** What `welcome` tells a client. */
export interface Limits {
  /** Largest client frame in bytes. */
  readonly frameBytes: number;
  readonly messagesPerFrame: number;
  /** Unanswered calls on one connection. */
  readonly pendingCalls: number;
  /** Sustained; bursts of twice as many are taken. */
  readonly commandsPerSecond: number;
  /** Groups one connection may be in, `u:` and `r:0` not counted; at most 256, so that {@link MAX_POSITIONS} suffice. */
  readonly groups: number;
  readonly callTimeoutMs: number;
}

export const DEFAULT_LIMITS: Limits = {
  frameBytes: 65_536,
  messagesPerFrame: 64,
  pendingCalls: 64,
  commandsPerSecond: 50,
  groups: 256,
  callTimeoutMs: 10_000,
};

/** Largest body of a published message in bytes. */
export const MAX_BODY_BYTES = 65_536;
/** Most entries of one `sync`. */
export const MAX_SYNC = 1_000;
export const MAX_TOKEN_LENGTH = 8_192;
/** Longest message id, idempotency key and client name in characters. */
export const MAX_ID_LENGTH = 64;
/** Most positions named in one hello, call or ping. */
export const MAX_POSITIONS = 258;
/** Deepest nesting of a body; keeps it readable by parsers that recurse (PHP's gives up at 512, Python's near 1,000). */
export const MAX_NESTING = 128;
