/** Who may push: the tokens of an endpoint, compared in constant time. */
import { timingSafeEqual } from 'node:crypto';
import { ImError } from '@im/protocol';

/** Anything shorter can be guessed. */
const MIN_TOKEN_LENGTH = 16;
const LENGTH_BYTES = 4;

export class BearerTokens {
  /** Of one size, whatever the tokens have. */
  readonly #fields: readonly Buffer[];
  /** For the token that is asked about. */
  readonly #given: Buffer;

  /** @throws ImError CONFIG_INVALID for tokens too short to be secrets */
  constructor(tokens: readonly string[]) {
    if (tokens.some((token) => token.length < MIN_TOKEN_LENGTH)) {
      throw new ImError('CONFIG_INVALID', {
        details: { mistakes: [`a push token has fewer than ${MIN_TOKEN_LENGTH} characters`] },
      });
    }
    const room = LENGTH_BYTES + Math.max(0, ...tokens.map((token) => Buffer.byteLength(token)));
    this.#fields = tokens.map((token) => write(token, Buffer.alloc(room)));
    this.#given = Buffer.alloc(room);
  }

  /** Whether an `Authorization` header carries one of the tokens; none configured: never. */
  accept(authorization: string | undefined): boolean {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) return false;
    const given = write(token, this.#given.fill(0));
    let accepted = false;
    for (const known of this.#fields) accepted = timingSafeEqual(given, known) || accepted;
    return accepted;
  }
}

/** Its length, and as much of it as there is room for. */
function write(token: string, field: Buffer): Buffer {
  field.writeUInt32LE(Buffer.byteLength(token), 0);
  field.write(token, LENGTH_BYTES);
  return field;
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
