/** Owns: names made from other names. */
import { createHash } from 'node:crypto';

/** SHA-256 of the parts, none of which may hold a NUL; 43 characters of base64url, fit for message ids and group names. */
export function digest(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('base64url');
}
