import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '@im/protocol/clock';
import { noMetrics } from '@im/protocol/ports';
import { issueToken } from '@im/workers';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import type { SignIn } from './sign-in.js';
import { createVerifier } from './token-verifier.js';

const SECRET = 'a secret of thirty-two characters or more';
const encoded = new TextEncoder().encode(SECRET);
const signer = { secret: encoded, now: () => Date.now() };

let backend: Server | undefined;
afterEach(async () => {
  backend?.closeAllConnections();
  await new Promise((resolve) => (backend === undefined ? resolve(undefined) : backend.close(resolve)));
  backend = undefined;
});

/** A backend that answers with JSON; its address. */
async function startBackend(answer: (request: IncomingMessage, body: string) => object): Promise<string> {
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answer(request, body)));
    });
  });
  backend = server;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

function verify(
  signIn: SignIn,
  token: string,
  config: { jwtIssuer?: string; jwtAudience?: string; jwtProductClaim?: string } = {},
) {
  const verifier = createVerifier({
    signIn,
    config: { jwtIssuer: undefined, jwtAudience: undefined, jwtProductClaim: undefined, ...config },
    developmentSecret: encoded,
    clock: systemClock,
    metrics: noMetrics,
  });
  const source = { address: '127.0.0.1', device: 'd1', platform: 'web' };
  return verifier.verify(token, source, AbortSignal.timeout(10_000));
}

const jwt = (claims: Record<string, unknown>) => new SignJWT(claims).setSubject('ann').setExpirationTime('1h');

describe('tokens', () => {
  it('of development mode say who it is, with name and role', async () => {
    const { token } = await issueToken(signer, { name: 'Ann', role: 'moderator' });
    expect(await verify({ by: 'development' }, token)).toEqual({
      user: 'Ann',
      expiresAt: expect.any(Number),
      claims: { name: 'Ann', role: 'moderator' },
    });
  });

  it('of development mode are good in development mode only, even with the same secret', async () => {
    const own = await jwt({}).setProtectedHeader({ alg: 'HS256' }).sign(encoded);
    await expect(verify({ by: 'development' }, own)).rejects.toMatchObject({ name: 'UNAUTHORIZED' });
    const { token } = await issueToken(signer, { name: 'Ann' });
    const production = verify({ by: 'jwtSecret', secret: SECRET }, token, { jwtIssuer: 'example', jwtAudience: 'im' });
    await expect(production).rejects.toMatchObject({ name: 'UNAUTHORIZED' });
  });

  it('signed with a secret of one’s own are checked for issuer and audience', async () => {
    const way: SignIn = { by: 'jwtSecret', secret: SECRET };
    const expected = { jwtIssuer: 'example', jwtAudience: 'im' };
    const sign = (issuer: string) =>
      jwt({ name: 'Ann' }).setProtectedHeader({ alg: 'HS256' }).setIssuer(issuer).setAudience('im').sign(encoded);
    expect(await verify(way, await sign('example'), expected)).toMatchObject({ user: 'ann', claims: { name: 'Ann' } });
    await expect(verify(way, await sign('other'), expected)).rejects.toMatchObject({ name: 'UNAUTHORIZED' });
  });

  it('name the product of their user by the claim that is configured, and are refused without it', async () => {
    const way: SignIn = { by: 'jwtSecret', secret: SECRET };
    const sign = (claims: Record<string, unknown>) => jwt(claims).setProtectedHeader({ alg: 'HS256' }).sign(encoded);
    const config = { jwtProductClaim: 'app' };
    expect(await verify(way, await sign({ app: 'p1' }), config)).toMatchObject({ user: 'ann', product: 'p1' });
    for (const claims of [{}, { product: 'p1' }, { app: 1 }]) {
      await expect(verify(way, await sign(claims), config)).rejects.toMatchObject({ name: 'UNAUTHORIZED' });
    }
  });

  it('signed with a published key are taken', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const key = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
    const url = await startBackend(() => ({ keys: [key] }));
    const token = await jwt({ role: 'host' }).setProtectedHeader({ alg: 'ES256', kid: 'k1' }).sign(privateKey);
    expect(await verify({ by: 'jwksUrl', url }, token)).toMatchObject({ user: 'ann', claims: { role: 'host' } });
    const forged = await jwt({}).setProtectedHeader({ alg: 'HS256', kid: 'k1' }).sign(encoded);
    await expect(verify({ by: 'jwksUrl', url }, forged)).rejects.toMatchObject({ name: 'UNAUTHORIZED' });
  });

  it('of any kind are shown to the business backend, which is told who asks', async () => {
    const asked: unknown[] = [];
    const url = await startBackend(({ headers }, body) => {
      asked.push(headers.authorization, JSON.parse(body));
      return { user: 'ann', claims: { name: 'Ann' } };
    });
    expect(await verify({ by: 'verifyUrl', url, token: 'gateway-token' }, 'opaque')).toMatchObject({ user: 'ann' });
    expect(asked).toEqual([
      'Bearer gateway-token',
      { token: 'opaque', device: 'd1', platform: 'web', address: '127.0.0.1' },
    ]);
  });

  it('are refused as unverifiable while the backend is away', async () => {
    const way: SignIn = { by: 'verifyUrl', url: 'http://127.0.0.1:9/', token: undefined };
    await expect(verify(way, 'opaque')).rejects.toMatchObject({ name: 'VERIFIER_UNAVAILABLE' });
  });
});
