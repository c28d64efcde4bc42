/** What the end of a connection means for the next one. Pure. */
import { type ErrorMessage, shouldReconnect } from '@im/protocol';
import { OWN_CODES } from '../errors.js';

/** Of the close codes of @im/protocol; the whole table would be a tenth of the bundle. */
const CLOSE_TOKEN_EXPIRED = 4_007;

export interface Verdict {
  readonly cause: 'lost' | 'expired' | 'forbidden';
  readonly code: number;
  readonly reason: string;
}

/**
 * PR-36, PR-120, PR-121: a close code of the protocol decides. Where a proxy swallowed it, the error decides that
 * answered hello.
 */
export function judge(code: number, reason: string, refusal?: ErrorMessage): Verdict {
  if (refusal && (code < 4_000 || code > 4_999)) {
    const { code, message: reason, retryable } = refusal;
    return { cause: code === OWN_CODES.TOKEN_EXPIRED ? 'expired' : retryable ? 'lost' : 'forbidden', code, reason };
  }
  return {
    cause: code === CLOSE_TOKEN_EXPIRED ? 'expired' : shouldReconnect(code) ? 'lost' : 'forbidden',
    code,
    reason,
  };
}
