/** Owns: tokens for development, signed here: whoever types a name is that person. Never for production. */
import { isName } from '@im/protocol';
import { SignJWT } from 'jose';
import { digest } from '../digest.js';

export const TOKEN_ISSUER = 'im-development';
export const TOKEN_AUDIENCE = 'im';
const TOKEN_TTL_MS = 12 * 3_600_000;

export interface TokenRequest {
  /** As people see it. */
  readonly name: string;
  readonly role?: string;
  readonly ttlMs?: number;
}

export interface IssuedToken {
  readonly token: string;
  readonly user: string;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

export interface TokenSigner {
  readonly secret: Uint8Array;
  /** Milliseconds since 1970. */
  now(): number;
}

/** A JWT (HS256) with `sub`, `name` and, when given, `role`. */
export async function issueToken({ secret, now }: TokenSigner, request: TokenRequest): Promise<IssuedToken> {
  const { name, role, ttlMs = TOKEN_TTL_MS } = request;
  const user = userIdOf(name);
  const issuedAt = Math.floor(now() / 1_000);
  const expiresAt = issuedAt + Math.floor(ttlMs / 1_000);
  const token = await new SignJWT({ name, ...(role !== undefined && { role }) })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(user)
    .setIssuer(TOKEN_ISSUER)
    .setAudience(TOKEN_AUDIENCE)
    .setIssuedAt(issuedAt)
    .setExpirationTime(expiresAt)
    .sign(secret);
  return { token, user, name, expiresAt: expiresAt * 1_000 };
}

const MADE_PREFIX = 'n-';

/** The same name is the same person: itself where it is a legal user id, else made from it. */
export function userIdOf(name: string): string {
  return isName(name) && !name.startsWith(MADE_PREFIX) ? name : MADE_PREFIX + digest(name).slice(0, 22);
}
