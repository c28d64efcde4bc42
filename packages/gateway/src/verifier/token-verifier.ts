/** Who may connect: the port behind which tokens are verified. Knows neither connections nor sessions. */
import type { CancelSignal } from '@im/rpc';

/** What a token proves. */
export interface Identity {
  /** `[A-Za-z0-9_-]{1,64}` */
  readonly user: string;
  /** The product whose groups the user lives in (PR-61); absent where there are no products. */
  readonly product?: string;
  /** Milliseconds since 1970; the connection is closed then (PR-40). */
  readonly expiresAt?: number;
  /** Told to workers with every call: name, roles … Small plain JSON. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Where the token came from. */
export interface TokenSource {
  /** The person's address, as far as trusted proxies say. */
  readonly address: string;
  readonly device: string;
  readonly platform: string;
}

export interface TokenVerifier {
  /**
   * @param signal aborts when the answer is no longer wanted. No AbortSignal, which is dear where thousands come at once, but `fetch` takes it for one
   * @throws ImError UNAUTHORIZED, TOKEN_EXPIRED, VERIFIER_UNAVAILABLE; anything else thrown counts as the last
   */
  readonly verify: (token: string, source: TokenSource, signal: CancelSignal) => Promise<Identity>;
}
