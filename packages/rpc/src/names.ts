/** Grammar of service and method names (docs/protocol.md PR-50). */
import { ImError } from '@im/protocol';

const SERVICE = /^[a-zA-Z][A-Za-z0-9_-]{0,63}$/;
/** Those beginning with `$` are called by the system: no client can name them. */
const METHOD = /^[a-zA-Z$][A-Za-z0-9_-]{0,63}$/;

export function isName(kind: 'service' | 'method', name: string): boolean {
  return typeof name === 'string' && (kind === 'service' ? SERVICE : METHOD).test(name);
}

/** @throws ImError INVALID_ARGUMENT */
export function checkName(kind: 'service' | 'method', name: string): void {
  if (isName(kind, name)) return;
  throw new ImError('INVALID_ARGUMENT', {
    message: `not a ${kind} name: ${JSON.stringify(String(name).slice(0, 80))}`,
    details: { argument: kind },
  });
}
