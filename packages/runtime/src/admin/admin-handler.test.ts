import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createMetrics } from '../metrics/metrics.js';
import { createAdminHandler, hasBearerToken } from './admin-handler.js';
import { createHealth } from './health.js';

const TOKEN = 'an-admin-token-of-some-length';
const health = createHealth();
let storeFine = true;
health.addCheck('store', () => storeFine || 'cannot be reached');
const handle = createAdminHandler({ health, metrics: createMetrics(), token: TOKEN });
const server = createServer((request, response) => {
  if (!handle(request, response)) response.writeHead(404).end();
});
let address: string;

beforeEach(async () => {
  storeFine = true;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

const get = async (path: string, init?: RequestInit) => {
  const response = await fetch(address + path, { ...init, headers: { connection: 'close', ...init?.headers } });
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
};

describe('the admin handler', () => {
  it('leaves other paths to others', async () => {
    expect((await get('/')).status).toBe(404);
  });

  it('says that the process is alive', async () => {
    expect(await get('/healthz')).toMatchObject({ status: 200, text: 'ok\n' });
  });

  it('is ready only while every check is fine', async () => {
    expect((await get('/readyz')).status).toBe(200);
    storeFine = false;
    const answer = await get('/readyz?verbose');
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.text)).toEqual({ ready: false, checks: { store: 'cannot be reached' } });
  });

  it('shows figures to nobody without the token, from this host neither: a proxy may speak for anybody', async () => {
    expect(await get('/metrics')).toMatchObject({ status: 401, text: 'needs the admin token\n' });
    expect((await get('/metrics', { headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
    const headers = { authorization: `Bearer ${TOKEN}` };
    expect(await get('/metrics', { headers })).toMatchObject({
      status: 200,
      type: 'text/plain; version=0.0.4; charset=utf-8',
    });
  });

  it('shows figures to everybody when told so', () => {
    const open = createAdminHandler({ health, metrics: createMetrics(), token: TOKEN, metricsOpen: true });
    const writeHead = vi.fn();
    const response = { writeHead, end: () => {}, setHeader: () => {} };
    const request = { url: '/metrics', method: 'GET', headers: {} };
    expect(open(request as unknown as IncomingMessage, response as unknown as ServerResponse)).toBe(true);
    expect(writeHead.mock.lastCall?.[0]).toBe(200);
  });

  it('answers only GET and HEAD', async () => {
    expect((await get('/metrics', { method: 'POST' })).status).toBe(405);
    expect(await get('/healthz', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
  });
});

const requestWith = (headers: Record<string, string>) => ({ headers }) as unknown as IncomingMessage;

it('lets nobody in with an empty token', () => {
  expect(hasBearerToken(requestWith({ authorization: 'Bearer ' }), '')).toBe(false);
  expect(hasBearerToken(requestWith({}), '')).toBe(false);
});

it('is never ready again once it is stopping', () => {
  const stopping = createHealth();
  stopping.addCheck('fine', () => true);
  stopping.addCheck('throws', () => {
    throw new Error('why');
  });
  stopping.setStopping();
  expect(stopping.report()).toEqual({ ready: false, checks: { process: 'stopping', fine: 'ok', throws: 'why' } });
});
