/** A verifier for tests: tokens are what a table says. */
import { ImError } from '@im/protocol';
import type { Identity, TokenVerifier } from '../verifier/token-verifier.js';

/** An error is thrown, a promise awaited. */
export type TableEntry = Identity | Error | Promise<Identity>;

/**
 * Accepts the tokens of the table, and, as long as `user:` comes first, any other as that user.
 * @example tokenTable().verify('user:ann')
 */
export function tokenTable(table: Readonly<Record<string, TableEntry>> = {}): TokenVerifier {
  return {
    async verify(token) {
      const entry = table[token];
      if (entry instanceof Error) throw entry;
      if (entry) return await entry;
      if (!token.startsWith('user:')) throw new ImError('UNAUTHORIZED');
      return { user: token.slice('user:'.length), claims: {} };
    },
  };
}
