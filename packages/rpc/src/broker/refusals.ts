/** What the broker itself answers, as the JSON text that travels. Made without ImError: a flood is refused without stack traces. */
import { ERROR_CODES, type ErrorName } from '@im/protocol';

const texts = new Map<ErrorName, string>();

export function refusal(name: ErrorName): string {
  const known = texts.get(name);
  if (known !== undefined) return known;
  const text = refusalWith(name, undefined);
  texts.set(name, text);
  return text;
}

export function refusalWith(name: ErrorName, details: Readonly<Record<string, unknown>> | undefined): string {
  const { code, message, retryable } = ERROR_CODES[name];
  return JSON.stringify({ code, name, message, retryable, details });
}

/** By whether a worker may have begun. */
export const DEADLINE_EXCEEDED = byHandedOut('DEADLINE_EXCEEDED');
export const CANCELLED = byHandedOut('CANCELLED');
export const CALL_LOST = refusalWith('CALL_LOST', { handedOut: true, lost: 'worker' });
export const BREAKER_OPEN = refusalWith('UNAVAILABLE', { breaker: 'open' });

function byHandedOut(name: ErrorName): { readonly before: string; readonly after: string } {
  return { before: refusalWith(name, { handedOut: false }), after: refusalWith(name, { handedOut: true }) };
}
