import { EventEmitter } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ImError } from '@im/protocol';
import { RecordingLogger } from '@im/protocol/testing';
import { createMetrics, createShutdown, readConfig, type Shutdown } from '@im/runtime';
import * as lmdb from '@im/timeline/lmdb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { serverSettings } from '../settings.js';
import { SECRET_FILES } from './secrets.js';
import { startServer } from './server.js';

vi.mock('@im/timeline/lmdb', { spy: true });

// Opening a store takes its time where others work too.
vi.setConfig({ testTimeout: 20_000 });

class FakeProcess extends EventEmitter {
  exitCode: number | undefined;
  exit = (): void => {};
  getActiveResourcesInfo = (): string[] => [];
}

let folder: string;
const shutdowns: Shutdown[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'im-server-'));
  await writeFile(path.join(folder, 'index.html'), '<p>page</p>');
});
afterEach(async () => {
  for (const shutdown of shutdowns.splice(0)) await shutdown.stop(undefined);
  await rm(folder, { recursive: true });
});

async function start(...args: string[]) {
  const logger = new RecordingLogger();
  const process = new FakeProcess();
  const shutdown = createShutdown({ logger, process });
  shutdowns.push(shutdown);
  const config = readConfig(serverSettings, {
    arguments: ['--port', '0', '--data', path.join(folder, 'data'), ...args],
    environment: {},
  });
  const { origin } = await startServer({
    ...{ config, site: folder, version: '1', logger, shutdown },
    metrics: createMetrics(),
  });
  const call = async (target: string, init: RequestInit = {}) => {
    const response = await fetch(origin + target, init);
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const login = (body: string, headers: Record<string, string> = {}) =>
    call('/v1/login', { method: 'POST', body, headers });
  return { origin, call, login, shutdown, process };
}

describe('the server', () => {
  it('has a page, health, figures and a push endpoint behind one port', async () => {
    const { call } = await start();
    expect((await call('/')).text).toBe('<p>page</p>');
    expect((await call('/readyz')).status).toBe(200);
    const token = await readFile(path.join(folder, 'data', SECRET_FILES.admin), 'utf8');
    const figures = await call('/metrics', { headers: { authorization: `Bearer ${token.trim()}` } });
    expect(figures.text).toContain('im_gateway_connections 0');
    expect((await call('/v1/push', { method: 'POST', body: '{}' })).status).toBe(401);
    expect((await call('/im')).status).toBe(404);
  });

  it('shows figures to this host without the admin token only when told so', async () => {
    const { call, shutdown } = await start();
    expect((await call('/metrics')).status).toBe(401);
    await shutdown.stop(undefined);
    expect((await (await start('--metrics-open')).call('/metrics')).status).toBe(200);
  });

  it('refuses a second server on its data folder, with one line', async () => {
    await start();
    await expect(start()).rejects.toThrow(/is in use by process \d+; stop it, or choose another data folder$/);
  });

  it('refuses a port in use, naming the flag', async () => {
    const { origin } = await start();
    const again = start('--port', new URL(origin).port, '--data', path.join(folder, 'other'));
    await expect(again).rejects.toThrow(/port \d+ of 127.0.0.1 is in use; .* --port$/);
  });

  it('refuses an address that is not its own, naming the flag', async () => {
    await expect(start('--host', '192.0.2.1', '--development')).rejects.toThrow(/192.0.2.1 .* --host$/);
  });

  it('gets no more work once its store has failed, and ends so that it is started again', async () => {
    const { call, shutdown, process } = await start();
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    shutdown.add({ name: 'held', stop: () => held });
    vi.mocked(lmdb.openLmdbLogStore).mock.lastCall?.[0].onFailed?.(new ImError('STORE_UNAVAILABLE'));
    const answer = await call('/readyz');
    expect([answer.status, answer.text]).toEqual([503, expect.stringContaining('store')]);
    release();
    await shutdown.stop(undefined);
    expect(process.exitCode).toBe(1);
  });

  it('can be started again in the same process once it has stopped', async () => {
    const { shutdown } = await start();
    await shutdown.stop(undefined);
    expect((await (await start()).call('/readyz')).status).toBe(200);
  });
});

describe('signing in over HTTP', () => {
  it('gives a token, the same person for the same name', async () => {
    const { login } = await start();
    const [first, second] = [await login('{"name":"小明"}'), await login('{"name":" 小明 "}')];
    expect(first.status).toBe(200);
    expect(first.headers.get('cache-control')).toBe('no-store');
    expect(JSON.parse(first.text)).toMatchObject({
      name: '小明',
      token: expect.any(String),
      expiresAt: expect.any(Number),
    });
    expect(JSON.parse(second.text).user).toBe(JSON.parse(first.text).user);
  });

  it.each([
    ['half an object', '{"name":', 400, 'MALFORMED'],
    ['no name', '{}', 400, 'INVALID_INPUT'],
    ['an empty name', '{"name":""}', 400, 'TEXT_REFUSED'],
    ['far too much', `{"name":"${'x'.repeat(5_000)}"}`, 413, 'BODY_TOO_LARGE'],
  ])('answers %s', async (_, body, status, name) => {
    const { login } = await start();
    const answer = await login(body);
    expect([answer.status, JSON.parse(answer.text).name]).toEqual([status, name]);
  });

  it('takes no other method', async () => {
    const { call } = await start();
    expect(await call('/v1/login')).toMatchObject({ status: 405 });
  });

  it('is limited for each address', async () => {
    const { login } = await start();
    const answers = await Promise.all(Array.from({ length: 30 }, () => login('{"name":"Ann"}')));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(JSON.parse(refused[0]?.text ?? '')).toMatchObject({ name: 'RATE_LIMITED', retryable: true });
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('is not there outside development mode', async () => {
    const { login } = await start('--jwks-url', 'http://127.0.0.1:9/keys');
    const answer = await login('{"name":"Ann"}');
    expect([answer.status, JSON.parse(answer.text).name]).toEqual([403, 'DEVELOPMENT_ONLY']);
  });

  it('is open to pages of the named origins alone', async () => {
    const { login } = await start('--origins', 'https://Example.org/');
    const allowed = async (origin: string) =>
      (await login('{"name":"Ann"}', { origin })).headers.get('access-control-allow-origin');
    expect(await allowed('https://example.org')).toBe('https://example.org');
    expect(await allowed('https://example.com')).toBeNull();
  });
});
