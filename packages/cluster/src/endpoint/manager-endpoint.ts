/** Owns: a node manager over HTTP: where clients are sent, for everybody; who is in the cluster, for its operators. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ImError } from '@im/protocol';
import type { Random } from '@im/protocol/ports';
import { routeClient } from '../balancer/route.js';
import type { NodeManager } from '../manager/node-manager.js';
import type { DrainRequest } from '../manager/order-book.js';

export interface ManagerEndpointOptions {
  readonly manager: NodeManager;
  /** Whether the request proves that an operator makes it. */
  isOperator(request: IncomingMessage): boolean;
  readonly random?: Random;
}

/** Answers the request when it is for one of its paths. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Labels that clients may name, so that gateways with the same come first. */
const PREFERENCES = ['region', 'carrier'];
const RETRY_AFTER_S = 1;
const DEFAULT_WINDOW_MS = 10_000;

/**
 * `GET /v1/route`, also from pages of any origin: it takes no credentials and tells no secret. With the operator's proof
 * `GET /v1/topology`, `/v1/nodes`, `/v1/journal`, `POST /v1/topology/release`, `/v1/nodes/drain?node=&windowMs=&restart=&anyway=` and
 * `/v1/nodes/keep?node=`.
 */
export function createManagerEndpoint(options: ManagerEndpointOptions): RequestHandler {
  const { manager, isOperator, random = Math.random } = options;
  const operations: Readonly<Record<string, Operation>> = {
    '/v1/topology': { method: 'GET', run: () => manager.topology() },
    '/v1/nodes': { method: 'GET', run: () => manager.status() },
    '/v1/journal': { method: 'GET', run: () => ({ entries: manager.journal() }) },
    '/v1/topology/release': { method: 'POST', run: () => ({ released: manager.release() }) },
    '/v1/nodes/drain': { method: 'POST', run: (query) => manager.drain(readDrainRequest(query)) },
    '/v1/nodes/keep': { method: 'POST', run: (query) => manager.keep(query.get('node') ?? '') },
  };

  function answerRoute(request: IncomingMessage, response: ServerResponse, query: URLSearchParams): void {
    response.setHeader('access-control-allow-origin', '*');
    if (!allows('GET', request, response)) return;
    const prefer = Object.fromEntries(
      PREFERENCES.flatMap((name) => {
        const value = query.get(name);
        return value === null ? [] : [[name, value]];
      }),
    );
    const route = routeClient(manager.topology(), { random, prefer });
    if (route !== undefined) {
      answer(response, 200, route);
    } else {
      response.setHeader('retry-after', RETRY_AFTER_S);
      const message = 'no gateway takes clients now; try again later';
      answer(response, 503, new ImError('UNAVAILABLE', { message }).toBody());
    }
  }

  return (request, response) => {
    const [path = '', query] = (request.url ?? '').split('?', 2);
    if (path === '/v1/route') {
      answerRoute(request, response, new URLSearchParams(query));
      return true;
    }
    const operation = Object.hasOwn(operations, path) ? operations[path] : undefined;
    if (operation === undefined) return false;
    if (!isOperator(request)) {
      response.setHeader('www-authenticate', 'Bearer');
      answer(response, 401, new ImError('UNAUTHORIZED', { message: 'needs the admin token' }).toBody());
    } else if (allows(operation.method, request, response)) {
      carryOut(operation, new URLSearchParams(query), response);
    }
    return true;
  };
}

interface Operation {
  readonly method: string;
  run(query: URLSearchParams): object;
}

function readDrainRequest(query: URLSearchParams): DrainRequest {
  return {
    node: query.get('node') ?? '',
    windowMs: Number(query.get('windowMs') ?? DEFAULT_WINDOW_MS),
    restart: query.get('restart') === 'true',
    anyway: query.get('anyway') === 'true',
  };
}

function carryOut({ run }: Operation, query: URLSearchParams, response: ServerResponse): void {
  try {
    answer(response, 200, run(query));
  } catch (error) {
    if (!(error instanceof ImError)) throw error;
    answer(response, 400, error.toBody());
  }
}

function allows(method: string, request: IncomingMessage, response: ServerResponse): boolean {
  if (request.method === method || (method === 'GET' && request.method === 'HEAD')) return true;
  response.setHeader('allow', method === 'GET' ? 'GET, HEAD' : method);
  answer(response, 405, new ImError('INVALID_ARGUMENT', { message: `use ${method}` }).toBody());
  return false;
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
