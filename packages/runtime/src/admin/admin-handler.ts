/** Owns: `/healthz`, `/readyz` and `/metrics`, and who may read the last. Fits into any HTTP server. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { METRICS_CONTENT_TYPE, type MetricsRegistry } from '../metrics/metrics.js';
import type { Health } from './health.js';

export interface AdminHandlerOptions {
  readonly health: Health;
  readonly metrics: MetricsRegistry;
  /** Lets requests from elsewhere than this host read the figures. */
  readonly token: string;
}

/** Answers the request when it is for one of its paths. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Figures are for this host and for whoever has the token; the two health paths say nothing worth hiding. */
export function createAdminHandler({ health, metrics, token }: AdminHandlerOptions): RequestHandler {
  return (request, response) => {
    const path = request.url?.split('?', 1)[0];
    if (path !== '/healthz' && path !== '/readyz' && path !== '/metrics') return false;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      send(response, 405, 'text/plain', 'only GET\n');
    } else if (path === '/healthz') {
      send(response, 200, 'text/plain', 'ok\n');
    } else if (path === '/readyz') {
      const report = health.report();
      send(response, report.ready ? 200 : 503, 'application/json', `${JSON.stringify(report)}\n`);
    } else if (isFromThisHost(request) || hasBearerToken(request, token)) {
      send(response, 200, METRICS_CONTENT_TYPE, metrics.render());
    } else {
      response.setHeader('www-authenticate', 'Bearer');
      send(response, 401, 'text/plain', 'needs the admin token\n');
    }
    return true;
  };
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  });
  response.end(body);
}

/** A loopback peer that does not speak for somebody else: a proxy on this host adds one of these headers. */
export function isFromThisHost({ socket, headers }: IncomingMessage): boolean {
  const forwarded = headers['x-forwarded-for'] ?? headers.forwarded ?? headers['x-real-ip'] ?? headers.via;
  return forwarded === undefined && isLoopback(socket.remoteAddress ?? '');
}

function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:/, '');
  return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'));
}

/** Compares in constant time. An empty token lets nobody in. */
export function hasBearerToken({ headers }: IncomingMessage, token: string): boolean {
  const given = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
  if (given === undefined || token === '') return false;
  return timingSafeEqual(digest(given), digest(token));
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
