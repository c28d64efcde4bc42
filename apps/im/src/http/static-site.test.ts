import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemClock } from '@im/protocol/clock';
import { RecordingLogger } from '@im/protocol/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeServer, listen } from './listen.js';
import { createHttpServer } from './request-handler.js';
import { loadStaticSite } from './static-site.js';

let folder: string;
let server: Server;
/** Errors of the server once it listened. */
const told: Error[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'im-site-'));
  await mkdir(path.join(folder, 'site/icons'), { recursive: true });
  await writeFile(path.join(folder, 'secret.json'), '"secret"');
  await writeFile(path.join(folder, 'site/index.html'), '<p>hello</p>');
  await writeFile(path.join(folder, 'site/main.js'), 'console.log("hello");\n'.repeat(200));
  await writeFile(path.join(folder, 'site/icons/a b.svg'), '<svg/>');
  await writeFile(path.join(folder, 'site/notes.bak'), 'not for others');
  const broken = () => {
    throw new Error('why');
  };
  server = createHttpServer(
    [await loadStaticSite(path.join(folder, 'site')), (request) => request.url === '/broken' && broken()],
    new RecordingLogger(),
  );
  await listen(server, { host: '127.0.0.1', port: 0 }, (error) => void told.push(error));
});
afterAll(async () => {
  await closeServer(server, systemClock);
  await rm(folder, { recursive: true });
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Buffer;
}

/** Unlike fetch, leaves the path as it is. */
function get(target: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { port } = server.address() as AddressInfo;
    const request = httpRequest({ port, path: target, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    request.on('error', reject).end();
  });
}

describe('the static site', () => {
  it.each([
    ['/', 'text/html; charset=utf-8'],
    ['/index.html?v=1', 'text/html; charset=utf-8'],
    ['/main.js', 'text/javascript; charset=utf-8'],
    ['/icons/a%20b.svg', 'image/svg+xml'],
  ])('serves %s as %s', async (target, type) => {
    const { status, headers } = await get(target);
    expect([status, headers['content-type']]).toEqual([200, type]);
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['content-security-policy']).toContain("default-src 'self'; connect-src 'self';");
  });

  it.each([
    '/../secret.json',
    '/%2e%2e/secret.json',
    '/..%2fsecret.json',
    '/icons/../../secret.json',
    '//etc/passwd',
    '/icons',
    '/icons/',
    '/index.html/',
    '/notes.bak',
    '/__proto__',
    '/constructor',
    '/\\..\\secret.json',
    '/index.html%00.js',
  ])('has nothing at %s', async (target) => {
    expect(await get(target)).toMatchObject({ status: 404, body: Buffer.from('not found\n') });
  });

  it('tells browsers that what they have is still the same', async () => {
    const first = await get('/main.js');
    expect(first.headers['cache-control']).toBe('no-cache');
    const again = await get('/main.js', { 'if-none-match': String(first.headers.etag) });
    expect([again.status, again.body.length]).toEqual([304, 0]);
    expect((await get('/index.html', { 'if-none-match': String(first.headers.etag) })).status).toBe(200);
  });

  it('compresses what gets smaller, for those who can read it', async () => {
    const plain = await get('/main.js');
    const compressed = await get('/main.js', { 'accept-encoding': 'gzip, br' });
    expect(compressed.headers['content-encoding']).toBe('br');
    expect(compressed.body.length).toBeLessThan(plain.body.length / 4);
    expect(compressed.headers.etag).not.toBe(plain.headers.etag);
    expect((await get('/', { 'accept-encoding': 'br' })).headers['content-encoding']).toBeUndefined();
  });

  it('answers HEAD without a body, and no other method', async () => {
    expect(await get('/main.js', {}, 'HEAD')).toMatchObject({ status: 200, body: Buffer.alloc(0) });
    expect(await get('/main.js', {}, 'POST')).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  });
});

it('answers 500 where a handler fails, and goes on', async () => {
  expect(await get('/broken')).toMatchObject({ status: 500, body: Buffer.from('internal error\n') });
  expect((await get('/')).status).toBe(200);
});

it('goes on when the server itself has an error, and tells it', async () => {
  const error = new Error('accept ENFILE');
  server.emit('error', error);
  expect(told).toEqual([error]);
  expect((await get('/')).status).toBe(200);
});
