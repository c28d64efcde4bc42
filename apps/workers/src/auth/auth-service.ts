/** `auth`: signing in, in development mode. In production tokens come from the business backend. */
import type { Clock } from '@im/protocol/ports';
import { defineService, implementService, type ServedService } from '@im/rpc';
import { z } from 'zod';
import { applicationError } from '../application-errors.js';
import { checkedText, rawText } from '../text.js';
import { issueToken } from './development-tokens.js';

const NAME_RULES = { maxLength: 32, lineBreaks: 'spaces' } as const;

export const authDefinition = defineService({
  name: 'auth',
  methods: {
    issue: {
      input: z.object({ name: rawText }),
      output: z.object({ token: z.string(), user: z.string(), name: z.string(), expiresAt: z.number() }),
      idempotent: true,
    },
  },
});

export interface AuthOptions {
  /** Undefined outside development mode: then nothing is issued. */
  readonly developmentSecret: Uint8Array | undefined;
  readonly clock: Clock;
  readonly version: string;
}

export function createAuthService({ developmentSecret: secret, clock, version }: AuthOptions): ServedService {
  return implementService(
    authDefinition,
    {
      async issue({ name }) {
        if (secret === undefined) throw applicationError('DEVELOPMENT_ONLY');
        return issueToken({ secret, now: () => clock.now() }, { name: checkedText(name, NAME_RULES) });
      },
    },
    { version },
  );
}
