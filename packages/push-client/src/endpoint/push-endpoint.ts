/**
 * `POST /v1/push` and `GET /v1/receipts` (docs/push.md) as a handler for any Node HTTP server. Owns who may push, limits, and the form of
 * answers. Must not know how pushes travel on: that is the push client's business.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ImError } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import { type Clock, type Logger, type Metrics, noMetrics, silentLogger } from '@im/protocol/ports';
import type { PushClient } from '../push-client.js';
import { sendPush, sendReceiptOf } from '../send-push.js';
import { type PushAnswer, type PushRequest, parseReceiptOf, type ReceiptRequest, toOutcome } from '../wire.js';
import { BearerTokens, checkDistinct } from './bearer-tokens.js';
import { EndpointFigures } from './endpoint-figures.js';
import { errorAnswer, type HttpAnswer, methodAnswer, pushAnswer, receiptAnswer } from './http-answer.js';
import { httpStatus } from './http-status.js';
import { parseBatch } from './parse-batch.js';
import { readBody } from './request-body.js';

export interface PushEndpointOptions {
  readonly client: PushClient;
  /** Any of them lets in, each of at least 16 characters. None: everything is refused. */
  readonly tokens: readonly string[];
  /** Other tokens with clients of their own, each of one product: who has such a token reaches that product alone. */
  readonly products?: readonly { readonly client: PushClient; readonly tokens: readonly string[] }[] | undefined;
  /** Of one request. Default 1 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /** In one request. Default 1,000. */
  readonly maxPushes?: number | undefined;
  /** For a request's body to arrive. Default 10,000. */
  readonly bodyTimeoutMs?: number | undefined;
  /** Requests worked on at once; more are refused with OVERLOADED. Default 64. */
  readonly maxOpenRequests?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly logger?: Logger | undefined;
  readonly metrics?: Metrics | undefined;
}

/** Settles with false, having done nothing, when the request is for another path. Never rejects. */
export type PushEndpoint = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;

/** @throws ImError CONFIG_INVALID for tokens too short to be secrets, and for one that several have */
export function createPushEndpoint(options: PushEndpointOptions): PushEndpoint {
  const { client, maxOpenRequests = 64, maxPushes = 1_000, clock = systemClock, logger = silentLogger } = options;
  const wanted = [{ client, tokens: options.tokens }, ...(options.products ?? [])];
  checkDistinct(wanted.map(({ tokens }) => tokens));
  const holders = wanted.map((holder) => ({ client: holder.client, tokens: new BearerTokens(holder.tokens) }));
  const limits = { maxBytes: options.maxBodyBytes ?? 1_048_576, timeoutMs: options.bodyTimeoutMs ?? 10_000, clock };
  const figures = new EndpointFigures(options.metrics ?? noMetrics);

  async function answer(request: IncomingMessage, method: 'GET' | 'POST'): Promise<HttpAnswer> {
    if (request.method !== method) return methodAnswer(method);
    const { authorization } = request.headers;
    const holder = holders.find(({ tokens }) => tokens.accept(authorization));
    if (holder === undefined) return errorAnswer(new ImError('UNAUTHORIZED'));
    if (figures.open > maxOpenRequests) return errorAnswer(new ImError('OVERLOADED'));
    try {
      if (method === 'GET') return receiptAnswer(await sendReceiptOf(holder.client, readReceiptOf(request.url)));
      const text = await readBody(request, limits);
      const { form, pushes } = parseBatch(text, request.headers['content-type'], maxPushes);
      // All are begun before the first is awaited: they are published in their order.
      return pushAnswer(form, await Promise.all(pushes.map((one) => push(holder.client, one))));
    } catch (thrown) {
      return errorAnswer(logged(thrown));
    }
  }

  async function push(through: PushClient, request: PushRequest | ImError): Promise<PushAnswer> {
    try {
      if (request instanceof ImError) throw request;
      const outcome = toOutcome(await sendPush(through, request));
      figures.pushed(outcome.published.length, Object.keys(outcome.failed).length);
      return outcome;
    } catch (thrown) {
      figures.pushed(0, 1);
      return { error: logged(thrown).toBody() };
    }
  }

  function logged(thrown: unknown): ImError {
    const error = ImError.wrap(thrown);
    if (httpStatus(error) >= 500) logger.warn('a push failed', { code: error.code, name: error.name, error: thrown });
    return error;
  }

  return async (request, response) => {
    const method = methodOf(request.url);
    if (method === undefined) return false;
    figures.begin();
    const { status, headers, text } = await answer(request, method);
    figures.end(status);
    // The requester may be gone, which is no error here.
    response.on('error', ignore);
    response.writeHead(status, { ...headers, 'cache-control': 'no-store', 'content-length': Buffer.byteLength(text) });
    response.end(text);
    return true;
  };
}

/** @throws ImError INVALID_ARGUMENT */
function readReceiptOf(url = ''): ReceiptRequest {
  const query = url.indexOf('?');
  return parseReceiptOf(Object.fromEntries(new URLSearchParams(query < 0 ? '' : url.slice(query))));
}

/** @returns undefined for paths of others */
function methodOf(url = ''): 'GET' | 'POST' | undefined {
  const query = url.indexOf('?');
  const path = query < 0 ? url : url.slice(0, query);
  if (path === '/v1/push') return 'POST';
  return path === '/v1/receipts' ? 'GET' : undefined;
}

function ignore(): void {}
