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

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
