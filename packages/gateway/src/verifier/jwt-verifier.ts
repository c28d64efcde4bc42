/** Tokens that prove themselves: JWTs, checked with `jose` against a secret, a public key or the keys of a JWKS endpoint. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { ImError } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import type { Clock } from '@im/protocol/ports';
import { errors, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose';
import { remoteKeys } from './remote-keys.js';
import type { Identity, TokenVerifier } from './token-verifier.js';
import { configMistake, httpUrl } from './verifier-config.js';

/** What signatures are checked with. Exactly one. */
export type JwtKey =
  /** Shared with whoever signs; at least 32 bytes. Text is used as UTF-8. */
  | { readonly secret: string | Uint8Array }
  /** PEM (SPKI or certificate). */
  | { readonly publicKey: string }
  /** Where the signer publishes its keys: fetched when needed, cached for ten minutes, unknown key ids looked up at most every 30 s. */
  | { readonly jwksUrl: string | URL };

export interface JwtVerifierOptions {
  readonly key: JwtKey;
  /** Algorithms that are accepted, whatever tokens say: `HS256` with a secret; `RS256`, `ES256`, `EdDSA` … with public keys. */
  readonly algorithms: readonly string[];
  /** `iss` must be one of these. */
  readonly issuer?: string | readonly string[];
  /** `aud` must contain one of these. */
  readonly audience?: string | readonly string[];
  /** How far clocks may differ. Default 5,000. */
  readonly clockToleranceMs?: number;
  /** Claim that holds the user id. Default `sub`. */
  readonly userClaim?: string;
  /** Claim that holds the product; absent: no products. */
  readonly productClaim?: string;
  /** Claims told to workers. Default: none. */
  readonly claims?: readonly string[];
  /** Of the JWKS endpoint. Default 3,000. */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
}

const SYMMETRIC = /^HS(256|384|512)$/;
const ASYMMETRIC = /^(RS|PS|ES)(256|384|512)$|^EdDSA$|^Ed25519$/;
const MIN_SECRET_BYTES = 32;

/** The token is at fault, not the verifier. */
const REFUSALS: ReadonlySet<string> = new Set([
  errors.JWTClaimValidationFailed.code,
  errors.JWTInvalid.code,
  errors.JWSInvalid.code,
  errors.JWSSignatureVerificationFailed.code,
  errors.JOSEAlgNotAllowed.code,
  errors.JOSENotSupported.code,
  errors.JWKSNoMatchingKey.code,
  errors.JWKSMultipleMatchingKeys.code,
]);

/** Tokens must have `exp`. @throws ImError CONFIG_INVALID */
export function jwtVerifier(options: JwtVerifierOptions): TokenVerifier {
  const { clock = systemClock, clockToleranceMs = 5_000, userClaim = 'sub' } = options;
  const key = readKey(options, clock);
  const expectations: JWTVerifyOptions = {
    algorithms: [...options.algorithms],
    clockTolerance: clockToleranceMs / 1000,
    requiredClaims: ['exp', userClaim],
    ...(options.issuer !== undefined && { issuer: mutable(options.issuer) }),
    ...(options.audience !== undefined && { audience: mutable(options.audience) }),
  };
  return {
    async verify(token) {
      try {
        const { payload } = await jwtVerify(token, key, { ...expectations, currentDate: new Date(clock.now()) });
        return identityOf(payload, options, clockToleranceMs);
      } catch (cause) {
        throw errorOf(cause);
      }
    },
  };
}

function readKey(
  { key, algorithms, timeoutMs = 3_000 }: JwtVerifierOptions,
  clock: Clock,
): Uint8Array | KeyObject | JWTVerifyGetKey {
  const grammar = 'secret' in key ? SYMMETRIC : ASYMMETRIC;
  const unfit = algorithms.filter((algorithm) => !grammar.test(algorithm));
  if (unfit.length > 0 || algorithms.length === 0) {
    throw configMistake(`algorithms: ${unfit.join(', ') || 'none'} cannot be used with this kind of key`);
  }
  if ('jwksUrl' in key) return remoteKeys(httpUrl('key.jwksUrl', key.jwksUrl), timeoutMs, clock);
  if ('publicKey' in key) {
    try {
      return createPublicKey(key.publicKey);
    } catch (cause) {
      throw configMistake('key.publicKey: not a PEM public key', cause);
    }
  }
  const secret = typeof key.secret === 'string' ? Buffer.from(key.secret, 'utf8') : key.secret;
  if (secret.length < MIN_SECRET_BYTES) throw configMistake('key.secret: shorter than 32 bytes');
  return secret;
}

function identityOf(payload: JWTPayload, options: JwtVerifierOptions, clockToleranceMs: number): Identity {
  const user = payload[options.userClaim ?? 'sub'];
  const product = options.productClaim === undefined ? undefined : payload[options.productClaim];
  const fits = typeof user === 'string' && (options.productClaim === undefined || typeof product === 'string');
  if (!fits) throw new ImError('UNAUTHORIZED', { message: 'the token does not name its user' });
  const names = options.claims ?? [];
  return {
    user,
    // Proven to be there; the tolerance holds for the connection as it did for the token.
    expiresAt: (payload.exp as number) * 1000 + clockToleranceMs,
    claims: Object.fromEntries(names.filter((name) => name in payload).map((name) => [name, payload[name]])),
    ...(typeof product === 'string' && { product }),
  };
}

function errorOf(cause: unknown): ImError {
  if (cause instanceof ImError) return cause;
  if (cause instanceof errors.JWTExpired) return new ImError('TOKEN_EXPIRED', { cause });
  const refused = cause instanceof errors.JOSEError && REFUSALS.has(cause.code);
  return new ImError(refused ? 'UNAUTHORIZED' : 'VERIFIER_UNAVAILABLE', { cause });
}

function mutable(value: string | readonly string[]): string | string[] {
  return typeof value === 'string' ? value : [...value];
}
