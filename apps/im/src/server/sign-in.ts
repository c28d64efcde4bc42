/** Owns: how people prove who they are to this server: exactly one way, chosen by the configuration. */
import { ConfigError } from '@im/runtime';
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
 * @throws ConfigError for no way, for more than one, and for a product claim that this way never looks at
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
  if (way !== undefined && others.length === 0) {
    checkProductClaim(config, way);
    return way;
  }
  const expected =
    way === undefined
      ? `other hosts can connect, so people must prove who they are: set ${WAYS}, or --development to let anybody in`
      : `only one way to sign in, not ${ways.map(({ by }) => by).join(' and ')}`;
  throw new ConfigError([{ path: 'development', expected }]);
}

/** Whoever sets it relies on products that do not reach each other. */
function checkProductClaim({ jwtProductClaim }: ServerConfig, { by }: SignIn): void {
  if (jwtProductClaim === undefined || by === 'jwksUrl' || by === 'jwtSecret') return;
  const expected = `--jwt-product-claim is of JWTs alone: set --jwks-url or IM_JWT_SECRET, not ${by}, or leave it out`;
  throw new ConfigError([{ path: 'jwtProductClaim', expected }]);
}
