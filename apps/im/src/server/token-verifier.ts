/** Owns: turning the chosen way to sign in into a verifier of tokens. */
import { cachedVerifier, httpVerifier, jwtVerifier, type TokenVerifier } from '@im/gateway';
import type { Clock, Metrics } from '@im/protocol/ports';
import { TOKEN_AUDIENCE, TOKEN_ISSUER } from '@im/workers';
import type { ServerConfig } from '../settings.js';
import type { SignIn } from './sign-in.js';

export interface VerifierOptions {
  readonly signIn: SignIn;
  readonly config: Pick<ServerConfig, 'jwtIssuer' | 'jwtAudience' | 'jwtProductClaim'>;
  readonly developmentSecret: Uint8Array;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** Claims that business is told. */
const CLAIMS = ['name', 'role'];

/** @throws ImError CONFIG_INVALID */
export function createVerifier({ signIn, config, developmentSecret, clock, metrics }: VerifierOptions): TokenVerifier {
  const { jwtIssuer: issuer, jwtAudience: audience, jwtProductClaim: productClaim } = config;
  const expected = {
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
    ...(productClaim !== undefined && { productClaim }),
  };
  switch (signIn.by) {
    case 'development':
      return jwtVerifier({
        key: { secret: developmentSecret },
        algorithms: ['HS256'],
        issuer: TOKEN_ISSUER,
        audience: TOKEN_AUDIENCE,
        claims: CLAIMS,
        clock,
      });
    case 'jwtSecret':
      return jwtVerifier({ key: { secret: signIn.secret }, algorithms: ['HS256'], ...expected, claims: CLAIMS, clock });
    case 'jwksUrl': {
      const algorithms = ['RS256', 'ES256', 'EdDSA'];
      const jwt = jwtVerifier({ key: { jwksUrl: signIn.url }, algorithms, ...expected, claims: CLAIMS, clock });
      return cachedVerifier(jwt, { clock, metrics });
    }
    case 'verifyUrl': {
      const headers: Record<string, string> = {};
      if (signIn.token !== undefined) headers.authorization = `Bearer ${signIn.token}`;
      return cachedVerifier(httpVerifier({ url: signIn.url, headers, clock }), { clock, metrics });
    }
  }
}
