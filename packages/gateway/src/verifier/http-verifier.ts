/** Tokens verified by the business backend, over HTTP. Fails closed. */
import { ImError } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import type { Clock } from '@im/protocol/ports';
import type { CancelSignal } from '@im/rpc';
import { ConcurrencyLimit } from '../concurrency-limit.js';
import { boundedFetch } from './bounded-fetch.js';
import type { Identity, TokenSource, TokenVerifier } from './token-verifier.js';
import { httpUrl } from './verifier-config.js';

export interface HttpVerifierOptions {
  /**
   * POSTed to as JSON: `{"token","device","platform","address"}`. Answers 200 with
   * `{"user","product"?,"expiresInMs"?,"claims"?}`; 401 or 403 refuse the token, with `{"expired":true}` a fresh one is
   * worth a try. Anything else counts as unavailable.
   */
  readonly url: string | URL;
  /** Sent with every request: how the backend knows the gateway, such as `{authorization: 'Bearer …'}`. */
  readonly headers: Readonly<Record<string, string>>;
  /** Default 3,000. */
  readonly timeoutMs?: number;
  /** Default 16,384. */
  readonly maxResponseBytes?: number;
  /** Requests under way at once; ten times as many wait, the rest is refused as unavailable. Default 64. */
  readonly maxConcurrent?: number;
  readonly clock?: Clock;
}

/** @throws ImError CONFIG_INVALID */
export function httpVerifier(options: HttpVerifierOptions): TokenVerifier {
  const { headers, timeoutMs = 3_000, maxResponseBytes = 16_384, maxConcurrent = 64, clock = systemClock } = options;
  const url = httpUrl('url', options.url);
  const limit = new ConcurrencyLimit(maxConcurrent, 10 * maxConcurrent);

  const ask = async (token: string, source: TokenSource, signal: CancelSignal) => {
    const { device, platform, address } = source;
    try {
      return await limit.run(() =>
        boundedFetch(url, {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json', accept: 'application/json' },
          body: JSON.stringify({ token, device, platform, address }),
          timeoutMs,
          maxBytes: maxResponseBytes,
          clock,
          signal,
        }),
      );
    } catch (cause) {
      throw new ImError('VERIFIER_UNAVAILABLE', { cause });
    }
  };

  return {
    async verify(token, source, signal) {
      const { status, text } = await ask(token, source, signal);
      if (status === 401 || status === 403) throw new ImError(isExpired(text) ? 'TOKEN_EXPIRED' : 'UNAUTHORIZED');
      if (status !== 200)
        throw new ImError('VERIFIER_UNAVAILABLE', { message: `the verifier answered HTTP ${status}` });
      return readIdentity(text, clock.now());
    },
  };
}

function isExpired(text: string): boolean {
  try {
    return (JSON.parse(text) as { expired?: unknown } | null)?.expired === true;
  } catch {
    return false;
  }
}

/** The gateway checks users and products; here only the shape. @throws ImError VERIFIER_UNAVAILABLE */
function readIdentity(text: string, now: number): Identity {
  let answer: Record<string, unknown>;
  try {
    answer = JSON.parse(text) as Record<string, unknown>;
    const { user, product, expiresInMs, claims = {} } = answer;
    const fits =
      typeof user === 'string' &&
      (product === undefined || typeof product === 'string') &&
      (expiresInMs === undefined || (Number.isFinite(expiresInMs) && (expiresInMs as number) > 0)) &&
      typeof claims === 'object' &&
      claims !== null &&
      !Array.isArray(claims);
    if (!fits) throw new TypeError('not an identity');
    return {
      user,
      claims: claims as Identity['claims'],
      ...(product !== undefined && { product }),
      ...(expiresInMs !== undefined && { expiresAt: now + (expiresInMs as number) }),
    };
  } catch (cause) {
    throw new ImError('VERIFIER_UNAVAILABLE', { message: 'the verifier answered nonsense', cause });
  }
}
