/** Owns: how people prove who they are to this server: exactly one way, chosen by the configuration. */
import { cachedVerifier, httpVerifier, jwtVerifier, type TokenVerifier } from '@im/gateway';
import type { Clock, Metrics } from '@im/protocol/ports';
import { ConfigError } from '@im/runtime';
import { TOKEN_AUDIENCE, TOKEN_ISSUER } from '@im/workers';
import type { ServerConfig } from '../settings.js';
import { isLoopbackHost } from './own-origins.js';

export type SignIn =
  /** Whoever types a name is that person. */
  | { readonly by: 'development' }
  | { readonly by: 'verifyUrl'; readonly url: string; readonly token: string | undefined }
  | { readonly by: 'jwksUrl'; readonly url: string }
  | { readonly by: 'jwtSecret'; readonly secret: string };

const WAYS = '--verify-url, --jwks-url or IM_JWT_SECRET';

/**
 * Development mode is the default only where nobody else can connect.
 * @throws ConfigError for no way, and for more than one
 */
export function chooseSignIn(config: ServerConfig): SignIn {
  const { verifyUrl, verifyToken, jwksUrl, jwtSecret, host } = config;
  const ways: SignIn[] = [];
  if (verifyUrl !== undefined) ways.push({ by: 'verifyUrl', url: verifyUrl, token: verifyToken });
  if (jwksUrl !== undefined) ways.push({ by: 'jwksUrl', url: jwksUrl });
  if (jwtSecret !== undefined) ways.push({ by: 'jwtSecret', secret: jwtSecret });
  const development = config.development ?? (ways.length === 0 && isLoopbackHost(host));
  if (development) ways.unshift({ by: 'development' });
  const [way, ...others] = ways;
  if (way !== undefined && others.length === 0) return way;
  const expected =
    way === undefined
      ? `other hosts can connect, so people must prove who they are: set ${WAYS}, or --development to let anybody in`
      : `only one way to sign in, not ${ways.map(({ by }) => by).join(' and ')}`;
  throw new ConfigError([{ path: 'development', expected }]);
}

export interface VerifierOptions {
  readonly signIn: SignIn;
  readonly config: Pick<ServerConfig, 'jwtIssuer' | 'jwtAudience'>;
  readonly developmentSecret: Uint8Array;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** Claims that business is told. */
const CLAIMS = ['name', 'role'];

/** @throws ImError CONFIG_INVALID */
export function createVerifier({ signIn, config, developmentSecret, clock, metrics }: VerifierOptions): TokenVerifier {
  const { jwtIssuer: issuer, jwtAudience: audience } = config;
  const expected = { ...(issuer !== undefined && { issuer }), ...(audience !== undefined && { audience }) };
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
