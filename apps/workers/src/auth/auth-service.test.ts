import { jwtVerify } from 'jose';
import { afterEach, expect, it } from 'vitest';
import { startWorkers, type WorkerFixture } from '../worker-fixture.js';
import { authDefinition } from './auth-service.js';
import { TOKEN_AUDIENCE, TOKEN_ISSUER, userIdOf } from './development-tokens.js';

const SECRET = new TextEncoder().encode('a secret for this test, long enough');
let fixture: WorkerFixture;
afterEach(() => fixture.close());

it('issues a token that expires, for the person of that name', async () => {
  fixture = await startWorkers({ developmentSecret: SECRET });
  const issued = await fixture.as(authDefinition, 'nobody').issue({ name: ' Ann ' });
  const currentDate = new Date(fixture.clock.now());
  const { payload } = await jwtVerify(issued.token, SECRET, {
    issuer: TOKEN_ISSUER,
    audience: TOKEN_AUDIENCE,
    algorithms: ['HS256'],
    currentDate,
  });
  expect(payload).toMatchObject({ sub: 'Ann', name: 'Ann', exp: issued.expiresAt / 1_000 });
  expect(payload.role).toBeUndefined();
  expect(issued).toMatchObject({ user: 'Ann', name: 'Ann' });
  expect(issued.expiresAt).toBeGreaterThan(fixture.clock.now());
});

it('issues nothing outside development mode', async () => {
  fixture = await startWorkers();
  await expect(fixture.as(authDefinition, 'nobody').issue({ name: 'Ann' })).rejects.toMatchObject({
    name: 'DEVELOPMENT_ONLY',
  });
});

it('refuses names that are empty, too long or hold control characters', async () => {
  fixture = await startWorkers({ developmentSecret: SECRET });
  for (const name of ['', 'x'.repeat(33), 'a\u0007']) {
    await expect(fixture.as(authDefinition, 'nobody').issue({ name })).rejects.toMatchObject({ name: 'TEXT_REFUSED' });
  }
});

it('makes a legal user id of any name, the same each time, and nobody can type another one’s', async () => {
  fixture = await startWorkers();
  expect(userIdOf('Ann')).toBe('Ann');
  expect(userIdOf('小明')).toMatch(/^n-[A-Za-z0-9_-]{22}$/);
  expect(userIdOf('小明')).toBe(userIdOf('小明'));
  expect(userIdOf(userIdOf('小明'))).not.toBe(userIdOf('小明'));
});
