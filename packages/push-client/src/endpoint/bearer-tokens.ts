/** Who may push: the tokens of an endpoint, compared in constant time. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { ImError } from '@im/protocol';

/** Anything shorter can be guessed. */
const MIN_TOKEN_LENGTH = 16;

export class BearerTokens {
  /** Digests have one length, whatever the tokens have. */
  readonly #digests: readonly Buffer[];

  /** @throws ImError CONFIG_INVALID for tokens too short to be secrets */
  constructor(tokens: readonly string[]) {
    if (tokens.some((token) => token.length < MIN_TOKEN_LENGTH)) {
      throw new ImError('CONFIG_INVALID', {
        details: { mistakes: [`a push token has fewer than ${MIN_TOKEN_LENGTH} characters`] },
      });
    }
    this.#digests = tokens.map(digest);
  }

  /** Whether an `Authorization` header carries one of the tokens; none configured: never. */
  accept(authorization: string | undefined): boolean {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) return false;
    const given = digest(token);
    let accepted = false;
    for (const known of this.#digests) accepted = timingSafeEqual(given, known) || accepted;
    return accepted;
  }
}

/**
 * What a token lets in to must not depend on who is asked first.
 * @param holders the tokens of each
 * @throws ImError CONFIG_INVALID for one that several have
 */
export function checkDistinct(holders: readonly (readonly string[])[]): void {
  const known = new Set<string>();
  for (const tokens of holders) {
    if (tokens.some((token) => known.has(token))) {
      throw new ImError('CONFIG_INVALID', {
        details: { mistakes: ['a push token belongs to several products, or to a product and to all of them'] },
      });
    }
    for (const token of tokens) known.add(token);
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
