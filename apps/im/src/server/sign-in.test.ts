import { ConfigError, readConfig } from '@im/runtime';
import { describe, expect, it } from 'vitest';
import { serverSettings } from '../settings.js';
import { chooseSignIn } from './sign-in.js';

const choose = (...args: string[]) => chooseSignIn(readConfig(serverSettings, { arguments: args, environment: {} })).by;
const JWT_SECRET = { IM_JWT_SECRET: 'a secret of thirty-two characters or more' };

describe('how people sign in', () => {
  it('is by typing a name only where nobody else can connect, or where it is asked for', () => {
    expect(choose()).toBe('development');
    expect(choose('--host', 'localhost')).toBe('development');
    expect(choose('--host', '::1')).toBe('development');
    expect(choose('--host', '0.0.0.0', '--development')).toBe('development');
  });

  it('must be said where other hosts can connect', () => {
    for (const host of ['0.0.0.0', '::', '192.0.2.1', '127.0.0.1.example.org']) {
      expect(() => choose('--host', host)).toThrow(/set --verify-url, --jwks-url or IM_JWT_SECRET, or --development/);
    }
  });

  it('is what was chosen', () => {
    expect(choose('--verify-url', 'https://example.org/who')).toBe('verifyUrl');
    expect(choose('--jwks-url', 'https://example.org/keys')).toBe('jwksUrl');
    const config = readConfig(serverSettings, { arguments: ['--host', '0.0.0.0'], environment: JWT_SECRET });
    expect(chooseSignIn(config)).toEqual({ by: 'jwtSecret', secret: JWT_SECRET.IM_JWT_SECRET });
  });

  it('is never two ways at once', () => {
    expect(() => choose('--verify-url', 'https://example.org/who', '--jwks-url', 'https://example.org/keys')).toThrow(
      ConfigError,
    );
    expect(() => choose('--development', '--jwks-url', 'https://example.org/keys')).toThrow(
      /not development and jwksUrl/,
    );
  });

  it('goes with a claim for products only where JWTs are checked: elsewhere all would be in one', () => {
    const claim = ['--jwt-product-claim', 'app'];
    expect(choose('--jwks-url', 'https://example.org/keys', ...claim)).toBe('jwksUrl');
    const config = readConfig(serverSettings, { arguments: claim, environment: JWT_SECRET });
    expect(chooseSignIn(config).by).toBe('jwtSecret');
    expect(() => choose(...claim)).toThrow(/--jwt-product-claim/);
    expect(() => choose('--verify-url', 'https://example.org/who', ...claim)).toThrow(/--jwt-product-claim/);
  });

  it('is refused when it is off and nothing else is there', () => {
    expect(() => choose('--no-development')).toThrow(ConfigError);
  });
});
