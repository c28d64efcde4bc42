import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FakeClock } from '@im/protocol/testing';
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type JwtVerifierOptions, jwtVerifier } from './jwt-verifier.js';

const SECRET = 'a shared secret of 32 bytes or so';
const SOURCE = { address: '203.0.113.1', device: 'd1', platform: 'web' };
const { signal } = new AbortController();
const clock = new FakeClock();
const seconds = (): number => Math.floor(clock.now() / 1000);

function sign(
  payload: JWTPayload,
  header: { alg: string; kid?: string } = { alg: 'HS256' },
  key: CryptoKey | Uint8Array = Buffer.from(SECRET),
) {
  return new SignJWT(payload).setProtectedHeader(header).sign(key);
}
const good = (): JWTPayload => ({
  sub: 'ann',
  iss: 'me',
  aud: 'im',
  exp: seconds() + 60,
  name: 'Ann',
  role: 'host',
  product: 'p1',
});

function verifierWith(options: Partial<JwtVerifierOptions> = {}) {
  return jwtVerifier({
    key: { secret: SECRET },
    algorithms: ['HS256'],
    issuer: 'me',
    audience: 'im',
    clock,
    ...options,
  });
}

describe('jwtVerifier with a secret', () => {
  it('gives the user, the expiry and the claims it was told to pass on', async () => {
    const token = await sign(good());
    expect(
      await verifierWith({ claims: ['name', 'role', 'absent'], clockToleranceMs: 0 }).verify(token, SOURCE, signal),
    ).toEqual({
      user: 'ann',
      expiresAt: (seconds() + 60) * 1000,
      claims: { name: 'Ann', role: 'host' },
    });
    expect(
      await verifierWith({ productClaim: 'product', userClaim: 'name' }).verify(token, SOURCE, signal),
    ).toMatchObject({
      user: 'Ann',
      product: 'p1',
      claims: {},
    });
  });

  it('refuses forged, foreign and malformed tokens', async () => {
    const bad = [
      await sign(good(), { alg: 'HS256' }, Buffer.from('another secret of 32 bytes or so!')),
      await sign({ ...good(), iss: 'somebody' }),
      await sign({ ...good(), aud: 'else' }),
      await sign({ ...good(), sub: undefined } as unknown as JWTPayload),
      await sign({ ...good(), sub: 7 } as unknown as JWTPayload),
      await sign({ ...good(), nbf: seconds() + 60 }),
      await sign({ ...good(), exp: undefined } as unknown as JWTPayload),
      // Signed well, with an algorithm that was not asked for.
      await sign(good(), { alg: 'HS512' }),
      // alg none
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(good())).toString('base64url')}.`,
      `${await sign(good())}x`,
      'not a token',
      '',
      '..',
    ];
    for (const token of bad) {
      await expect(verifierWith().verify(token, SOURCE, signal), token).rejects.toMatchObject({ name: 'UNAUTHORIZED' });
    }
    const noProduct = await sign({ ...good(), product: undefined });
    const withProducts = verifierWith({ productClaim: 'product' });
    await expect(withProducts.verify(noProduct, SOURCE, signal)).rejects.toMatchObject({ name: 'UNAUTHORIZED' });
  });

  it('tells an expired token from a refused one, with the tolerance that was set', async () => {
    const token = await sign({ ...good(), exp: seconds() - 4 });
    await expect(verifierWith({ clockToleranceMs: 0 }).verify(token, SOURCE, signal)).rejects.toMatchObject({
      name: 'TOKEN_EXPIRED',
    });
    const { expiresAt } = await verifierWith({ clockToleranceMs: 5_000 }).verify(token, SOURCE, signal);
    expect(expiresAt).toBeGreaterThan(clock.now());
  });

  it('refuses to be made with a weak secret, unfit algorithms or a bad key', () => {
    const bad: Partial<JwtVerifierOptions>[] = [
      { key: { secret: 'short' } },
      { algorithms: [] },
      { algorithms: ['none'] },
      // The public key of an asymmetric pair must never serve as a secret.
      { algorithms: ['HS256', 'RS256'] },
      { key: { jwksUrl: 'https://example.org/keys' }, algorithms: ['HS256'] },
      { key: { jwksUrl: 'nowhere' }, algorithms: ['RS256'] },
      { key: { publicKey: 'no pem' }, algorithms: ['RS256'] },
    ];
    for (const options of bad) {
      expect(() => verifierWith(options), JSON.stringify(options)).toThrow(
        expect.objectContaining({ name: 'CONFIG_INVALID' }),
      );
    }
  });
});

describe('jwtVerifier with public keys', () => {
  let pair: Awaited<ReturnType<typeof generateKeyPair>>;
  let next: typeof pair;
  let server: Server;
  let jwksUrl: string;
  let asked: number;
  let respond: () => { status?: number; body: string };

  beforeAll(async () => {
    pair = await generateKeyPair('ES256', { extractable: true });
    next = await generateKeyPair('ES256', { extractable: true });
  });
  beforeEach(async () => {
    asked = 0;
    const keys = [{ ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'ES256' }];
    respond = () => ({ body: JSON.stringify({ keys }) });
    server = createServer((_request, response) => {
      asked++;
      const { status = 200, body } = respond();
      response.writeHead(status).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const remote = (): ReturnType<typeof jwtVerifier> => verifierWith({ key: { jwksUrl }, algorithms: ['ES256'] });

  it('checks against a public key', async () => {
    const verifier = verifierWith({ key: { publicKey: await exportSPKI(pair.publicKey) }, algorithms: ['ES256'] });
    const token = await sign(good(), { alg: 'ES256' }, pair.privateKey);
    expect(await verifier.verify(token, SOURCE, signal)).toMatchObject({ user: 'ann' });
    const forged = await sign(good(), { alg: 'ES256' }, next.privateKey);
    await expect(verifier.verify(forged, SOURCE, signal)).rejects.toMatchObject({ name: 'UNAUTHORIZED' });
  });

  it('fetches published keys once, for many tokens at once', async () => {
    const verifier = remote();
    const token = await sign(good(), { alg: 'ES256', kid: 'k1' }, pair.privateKey);
    await Promise.all(Array.from({ length: 20 }, () => verifier.verify(token, SOURCE, signal)));
    expect(asked).toBe(1);
  });

  it('does not ask again and again for key ids that nobody publishes', async () => {
    const verifier = remote();
    for (let i = 0; i < 5; i++) {
      const token = await sign(good(), { alg: 'ES256', kid: `made-up-${i}` }, next.privateKey);
      await expect(verifier.verify(token, SOURCE, signal)).rejects.toMatchObject({ name: 'UNAUTHORIZED' });
    }
    expect(asked).toBe(1);
  });

  it('lets nobody in while the keys cannot be had, asks again after a rest, and works once they can', async () => {
    const token = await sign(good(), { alg: 'ES256', kid: 'k1' }, pair.privateKey);
    const well = respond;
    const verifier = remote();
    const broken = [
      { status: 500, body: '{"keys":[]}' },
      { body: 'no json' },
      { body: 'null' },
      { body: '{"keys":"none"}' },
      { body: `{"keys":[],"padding":"${'x'.repeat(300_000)}"}` },
    ];
    for (const each of broken) {
      respond = () => each;
      asked = 0;
      for (let i = 0; i < 3; i++) {
        await expect(verifier.verify(token, SOURCE, signal)).rejects.toMatchObject({ name: 'VERIFIER_UNAVAILABLE' });
      }
      expect(asked).toBe(1);
      clock.advance(1_000);
    }
    respond = well;
    expect(await verifier.verify(token, SOURCE, signal)).toMatchObject({ user: 'ann' });
  });
});
