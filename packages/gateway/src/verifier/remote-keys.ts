/** The keys of a JWKS endpoint, with what `jose` leaves to its user: bounds, and rest for an endpoint that fails. */
import { ImError } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from 'jose';
import { boundedFetch } from './bounded-fetch.js';

const MAX_BYTES = 256 * 1024;
/** After a failure the endpoint is not asked again for so long. */
const REST_MS = 1_000;

export function remoteKeys(url: URL, timeoutMs: number, clock: Clock): JWTVerifyGetKey {
  let failedAt = Number.NEGATIVE_INFINITY;
  const keys = createRemoteJWKSet(url, {
    timeoutDuration: timeoutMs,
    [customFetch]: async (_url, { headers }) => {
      if (clock.monotonic() - failedAt < REST_MS) throw new ImError('VERIFIER_UNAVAILABLE');
      try {
        const request = {
          method: 'GET',
          headers: Object.fromEntries(headers),
          timeoutMs,
          maxBytes: MAX_BYTES,
          clock,
        } as const;
        const { status, text } = await boundedFetch(url, request);
        if (status !== 200) throw new errors.JOSEError(`HTTP ${status}`);
        const set = JSON.parse(text) as { keys?: unknown } | null;
        if (!Array.isArray(set?.keys)) throw new errors.JWKSInvalid('no set of keys');
        return new Response(text, { status });
      } catch (cause) {
        failedAt = clock.monotonic();
        throw new ImError('VERIFIER_UNAVAILABLE', { cause });
      }
    },
  });
  return keys;
}
