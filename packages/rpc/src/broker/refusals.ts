/** What the broker itself answers, as the JSON text that travels. Made without ImError: a flood is refused without stack traces. */
import { ERROR_CODES, type ErrorName } from '@im/protocol';

const texts = new Map<ErrorName, string>();

export function refusal(name: ErrorName): string {
  let text = texts.get(name);
  if (text === undefined) texts.set(name, (text = refusalWith(name, undefined)));
  return text;
}

export function refusalWith(name: ErrorName, details: Readonly<Record<string, unknown>> | undefined): string {
  const { code, message, retryable } = ERROR_CODES[name];
  return JSON.stringify({ code, name, message, retryable, details });
}

/** By whether a worker may have begun. */
export const DEADLINE_EXCEEDED = texts2('DEADLINE_EXCEEDED');
export const CANCELLED = texts2('CANCELLED');
export const CALL_LOST = refusalWith('CALL_LOST', { handedOut: true, lost: 'worker' });
export const BREAKER_OPEN = refusalWith('UNAVAILABLE', { breaker: 'open' });

function texts2(name: ErrorName): { readonly before: string; readonly after: string } {
  return { before: refusalWith(name, { handedOut: false }), after: refusalWith(name, { handedOut: true }) };
}
