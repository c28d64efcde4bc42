/** Grammar of service and method names (docs/protocol.md PR-50). */
import { ImError } from '@im/protocol';

const NAME = /^[a-zA-Z][A-Za-z0-9_-]{0,63}$/;

/** @throws ImError INVALID_ARGUMENT */
export function checkName(kind: 'service' | 'method', name: string): void {
  if (typeof name === 'string' && NAME.test(name)) return;
  throw new ImError('INVALID_ARGUMENT', {
    message: `not a ${kind} name: ${JSON.stringify(String(name).slice(0, 80))}`,
    details: { argument: kind },
  });
}
