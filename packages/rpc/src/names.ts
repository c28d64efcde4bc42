/** Grammar of service and method names (docs/protocol.md PR-50), and of keys (docs/rpc.md RP-6, RP-7). */
import { ImError } from '@im/protocol';

const SERVICE = /^[a-zA-Z][A-Za-z0-9_-]{0,63}$/;
/** Those beginning with `$` are called by the system: no client can name them. */
const METHOD = /^[a-zA-Z$][A-Za-z0-9_-]{0,63}$/;

/** Names that were found to be one: calls are many, names are few. Bounded: beyond it names are looked at anew. */
const known = { service: new Set<string>(), method: new Set<string>() };
const KNOWN_LIMIT = 4_096;

export function isName(kind: 'service' | 'method', name: string): boolean {
  if (known[kind].has(name)) return true;
  if (typeof name !== 'string' || !(kind === 'service' ? SERVICE : METHOD).test(name)) return false;
  if (known[kind].size < KNOWN_LIMIT) known[kind].add(name);
  return true;
}

/** Characters of an idempotency key or a routing key. */
export const MAX_KEY_LENGTH = 256;

/** Whether it has 1 to so many characters. */
export function isText(value: unknown, limit: number): value is string {
  if (typeof value !== 'string' || value === '') return false;
  // A character is one or two UTF-16 units: few texts must be counted.
  return value.length <= limit || (value.length <= 2 * limit && [...value].length <= limit);
}

/** @throws ImError INVALID_ARGUMENT */
export function checkName(kind: 'service' | 'method', name: string): void {
  if (isName(kind, name)) return;
  throw new ImError('INVALID_ARGUMENT', {
    message: `not a ${kind} name: ${JSON.stringify(String(name).slice(0, 80))}`,
    details: { argument: kind },
  });
}
