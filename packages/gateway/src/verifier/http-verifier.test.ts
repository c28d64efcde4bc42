import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FakeClock } from '@im/protocol/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HttpVerifierOptions, httpVerifier } from './http-verifier.js';

const SOURCE = { address: '203.0.113.1', device: 'd1', platform: 'web' };

describe('httpVerifier', () => {
  let server: Server;
  let url: string;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  const requests: { method: string | undefined; headers: IncomingMessage['headers']; text: string }[] = [];
  const clock = new FakeClock();

  beforeEach(async () => {
    requests.length = 0;
    server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk) => {
        text += chunk;
      });
      request.on('end', () => {
        requests.push({ method: request.method, headers: request.headers, text });
        answer(request, response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/verify`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const verify = (options: Partial<HttpVerifierOptions> = {}, signal = new AbortController().signal) =>
    httpVerifier({ url, headers: { authorization: 'Bearer s3cret' }, clock, ...options }).verify('tok', SOURCE, signal);
  const respond = (status: number, body: string, headers: Record<string, string> = {}) => {
    answer = (_request, response) => response.writeHead(status, headers).end(body);
  };

  it('posts the token and where it came from, and proves who asks', async () => {
    respond(200, '{"user":"ann","product":"p1","expiresInMs":60000,"claims":{"role":"host"},"more":1}');
    expect(await verify()).toEqual({
      user: 'ann',
      product: 'p1',
      expiresAt: clock.now() + 60_000,
      claims: { role: 'host' },
    });
    expect(requests[0]?.method).toBe('POST');
    expect(requests[0]?.headers).toMatchObject({ authorization: 'Bearer s3cret', 'content-type': 'application/json' });
    expect(JSON.parse(requests[0]?.text ?? '')).toEqual({ token: 'tok', ...SOURCE });
  });

  it('takes an answer with nothing but a user', async () => {
    respond(200, '{"user":"ann"}');
    expect(await verify()).toEqual({ user: 'ann', claims: {} });
  });

  it('refuses the token on 401 and 403, as expired if the backend says so', async () => {
    for (const status of [401, 403]) {
      respond(status, 'no');
      await expect(verify()).rejects.toMatchObject({ name: 'UNAUTHORIZED' });
    }
    respond(401, '{"expired":true}');
    await expect(verify()).rejects.toMatchObject({ name: 'TOKEN_EXPIRED' });
    respond(401, 'null');
    await expect(verify()).rejects.toMatchObject({ name: 'UNAUTHORIZED' });
  });

  it('counts nonsense, other statuses and redirects as unavailable', async () => {
    const nonsense: [number, string, Record<string, string>?][] = [
      [200, 'hello'],
      [200, ''],
      [200, 'null'],
      [200, '[]'],
      [200, '{}'],
      [200, '{"user":7}'],
      [200, '{"user":"ann","product":5}'],
      [200, '{"user":"ann","expiresInMs":"soon"}'],
      [200, '{"user":"ann","expiresInMs":-1}'],
      [200, '{"user":"ann","claims":[]}'],
      [200, '{"user":"ann","claims":null}'],
      [204, ''],
      [302, '', { location: 'http://127.0.0.1:1/' }],
      [500, '{"user":"ann"}'],
    ];
    for (const [status, body, headers] of nonsense) {
      respond(status, body, headers);
      await expect(verify(), `${status} ${body}`).rejects.toMatchObject({ name: 'VERIFIER_UNAVAILABLE' });
    }
  });

  it('counts an answer that is too large, or none, as unavailable', async () => {
    respond(200, JSON.stringify({ user: 'ann', claims: { text: 'x'.repeat(20_000) } }));
    await expect(verify()).rejects.toMatchObject({ name: 'VERIFIER_UNAVAILABLE' });
    answer = (_request, response) => response.destroy();
    await expect(verify()).rejects.toMatchObject({ name: 'VERIFIER_UNAVAILABLE' });
  });

  it('gives up at the timeout, whether the backend hangs before or within its answer', async () => {
    for (const hang of [
      () => {},
      (_request: IncomingMessage, response: ServerResponse) => void response.writeHead(200).write('{"user":'),
    ]) {
      const asked = new Promise<void>((resolve) => {
        answer = (request, response) => {
          hang(request, response);
          resolve();
        };
      });
      const verifying = verify({ timeoutMs: 300 });
      verifying.catch(() => {});
      await asked;
      clock.advance(300);
      await expect(verifying).rejects.toMatchObject({ name: 'VERIFIER_UNAVAILABLE' });
    }
    expect(clock.pendingTimers).toBe(0);
  });

  it('stops asking when nobody wants to know any more', async () => {
    const asked = new Promise<IncomingMessage>((resolve) => {
      answer = (request) => resolve(request);
    });
    const abort = new AbortController();
    const verifying = verify({}, abort.signal);
    verifying.catch(() => {});
    const request = await asked;
    const dropped = new Promise((resolve) => request.socket.once('close', resolve));
    abort.abort();
    await expect(verifying).rejects.toMatchObject({ name: 'VERIFIER_UNAVAILABLE' });
    await dropped;
  });

  it('asks for a bounded number of tokens at once, and refuses beyond a bounded queue', async () => {
    const waiting: ServerResponse[] = [];
    answer = (_request, response) => waiting.push(response);
    const verifier = httpVerifier({ url, headers: {}, clock, maxConcurrent: 2 });
    const { signal } = new AbortController();
    const outcomes = Array.from({ length: 23 }, (_, i) =>
      verifier.verify(`t${i}`, SOURCE, signal).catch((e: Error) => e.name),
    );
    expect(await outcomes[22]).toBe('VERIFIER_UNAVAILABLE');
    let most = 0;
    for (let answered = 0; answered < 22; answered++) {
      await expect.poll(() => waiting.length, { interval: 1 }).toBeGreaterThan(0);
      most = Math.max(most, requests.length - answered);
      waiting.shift()?.end('{"user":"ann"}');
    }
    expect(await Promise.all(outcomes.slice(0, 22))).toEqual(
      Array.from({ length: 22 }, () => ({ user: 'ann', claims: {} })),
    );
    expect(most).toBeLessThanOrEqual(2);
  });

  it('names a bad URL when it is made', () => {
    for (const bad of ['nowhere', 'ftp://host/x', 'file:///etc/passwd']) {
      expect(() => httpVerifier({ url: bad, headers: {} })).toThrow(
        expect.objectContaining({ name: 'CONFIG_INVALID' }),
      );
    }
  });
});
