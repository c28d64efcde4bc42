/** Owns: `/healthz`, `/readyz` and `/metrics`, and who may read the last. Fits into any HTTP server. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { METRICS_CONTENT_TYPE, type MetricsRegistry } from '../metrics/metrics.js';
import type { Health } from './health.js';

export interface AdminHandlerOptions {
  readonly health: Health;
  readonly metrics: MetricsRegistry;
  /** Whoever has it may read the figures. */
  readonly token: string;
  /** Everybody may: for networks where a proxy or a firewall decides. Default false. */
  readonly metricsOpen?: boolean;
}

/** Answers the request when it is for one of its paths. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => boolean;

/**
 * Figures are for whoever has the token, from this host too: a proxy here speaks for everybody. The two health paths say nothing
 * worth hiding.
 */
export function createAdminHandler({
  health,
  metrics,
  token,
  metricsOpen = false,
}: AdminHandlerOptions): RequestHandler {
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
    } else if (metricsOpen || hasBearerToken(request, token)) {
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

/** Compares in constant time. An empty token lets nobody in. */
export function hasBearerToken({ headers }: IncomingMessage, token: string): boolean {
  const given = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
  if (given === undefined || token === '') return false;
  return timingSafeEqual(digest(given), digest(token));
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
