/** Owns: `POST /v1/login`: signing in over HTTP, in development mode. Who may and what they get is the auth service's business. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ErrorName, ImError } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import { createServiceClient, type RpcCaller } from '@im/rpc';
import { authDefinition } from '@im/workers';
import { AddressRate } from './address-rate.js';
import { pathOf, type RequestHandler } from './request-handler.js';

export interface LoginEndpointOptions {
  readonly caller: RpcCaller;
  readonly clock: Clock;
  /** Pages of other origins that may use it. */
  readonly origins: ReadonlySet<string>;
  /** The person's address, as far as trusted proxies say. */
  addressOf(request: IncomingMessage): string;
}

const PATH = '/v1/login';
const MAX_BODY_BYTES = 4_096;
const RATE = { perSecond: 2, burst: 20 };

const STATUS: Readonly<Partial<Record<ErrorName | 'DEVELOPMENT_ONLY', number>>> = {
  DEVELOPMENT_ONLY: 403,
  RATE_LIMITED: 429,
  BODY_TOO_LARGE: 413,
};

export function createLoginEndpoint({ caller, clock, origins, addressOf }: LoginEndpointOptions): RequestHandler {
  const auth = createServiceClient(authDefinition, caller);
  const rate = new AddressRate(RATE, clock);

  async function login(request: IncomingMessage): Promise<object> {
    rate.take(addressOf(request));
    return auth.issue((await readJson(request)) as { name: string });
  }

  return async (request, response) => {
    if (pathOf(request) !== PATH) return false;
    allowOrigin(request, response, origins);
    if (request.method === 'OPTIONS') {
      response
        .writeHead(204, { 'access-control-allow-headers': 'content-type', 'access-control-max-age': '600' })
        .end();
    } else if (request.method !== 'POST') {
      response.setHeader('allow', 'POST');
      answer(response, 405, new ImError('INVALID_ARGUMENT', { message: 'use POST' }).toBody());
    } else {
      await login(request).then(
        (issued) => answer(response, 200, issued),
        (thrown: unknown) => fail(response, ImError.wrap(thrown)),
      );
    }
    return true;
  };
}

function allowOrigin(
  { headers: { origin } }: IncomingMessage,
  response: ServerResponse,
  origins: ReadonlySet<string>,
): void {
  response.setHeader('vary', 'origin');
  if (origin !== undefined && origins.has(origin.toLowerCase()))
    response.setHeader('access-control-allow-origin', origin);
}

function fail(response: ServerResponse, error: ImError): void {
  const { retryAfterMs } = error.details ?? {};
  if (typeof retryAfterMs === 'number') response.setHeader('retry-after', Math.ceil(retryAfterMs / 1_000));
  // What is left of the request's body will not be read.
  response.setHeader('connection', 'close');
  const status = (STATUS as Readonly<Record<string, number>>)[error.name];
  answer(response, status ?? (error.retryable ? 503 : error.name === 'INTERNAL' ? 500 : 400), error.toBody());
}

function answer(response: ServerResponse, status: number, body: object): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  response.end(text);
}

/** The server's own timeout bounds how long this takes. @throws ImError MALFORMED, BODY_TOO_LARGE */
async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new ImError('BODY_TOO_LARGE', { details: { maxBytes: MAX_BODY_BYTES } });
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (cause) {
    throw new ImError('MALFORMED', { message: 'the body is not JSON', cause });
  }
}
