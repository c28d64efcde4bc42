/** What the broker itself answers, as the JSON text that travels. Made without ImError: a flood is refused without stack traces. */
import { ERROR_CODES, type ErrorName } from '@im/protocol';

interface ByHandedOut {
  /** No worker has begun. */
  readonly before: string;
  /** One may have. */
  readonly after: string;
}

const texts = new Map<ErrorName, ByHandedOut>();

/** What a call is refused with: `details.handedOut` says whether a worker may have begun. */
export function refusal(name: ErrorName): ByHandedOut {
  const known = texts.get(name);
  if (known !== undefined) return known;
  const made = byHandedOut(name);
  texts.set(name, made);
  return made;
}

export function refusalWith(name: ErrorName, details: Readonly<Record<string, unknown>> | undefined): string {
  const { code, message, retryable } = ERROR_CODES[name];
  return JSON.stringify({ code, name, message, retryable, details });
}

export const DEADLINE_EXCEEDED = refusal('DEADLINE_EXCEEDED');
export const CANCELLED = refusal('CANCELLED');
/** A worker's answer that is none. */
export const NO_ANSWER = refusalWith('INTERNAL', { handedOut: true });
export const CALL_LOST = refusalWith('CALL_LOST', { handedOut: true, lost: 'worker' });
export const BREAKER_OPEN = refusalWith('UNAVAILABLE', { handedOut: false, breaker: 'open' });

function byHandedOut(name: ErrorName): ByHandedOut {
  return { before: refusalWith(name, { handedOut: false }), after: refusalWith(name, { handedOut: true }) };
}
