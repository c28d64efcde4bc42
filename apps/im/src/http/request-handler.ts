/** Owns: how requests find their handler. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Logger } from '@im/protocol/ports';

/** Whether the request was for it; then it has answered, or will. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;

/** The first handler that takes a request answers it; what nobody takes is 404. Slow senders are cut off. */
export function createHttpServer(handlers: readonly RequestHandler[], logger: Logger): Server {
  return createServer(
    {
      headersTimeout: 10_000,
      requestTimeout: 20_000,
      keepAliveTimeout: 10_000,
      // How late the two limits above may be noticed.
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => {
      handle(handlers, request, response).catch((error: unknown) => {
        logger.error('a request failed', { path: pathOf(request), error });
        if (response.headersSent) response.destroy();
        else answer(response, 500, 'internal error');
      });
    },
  );
}

async function handle(
  handlers: readonly RequestHandler[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.setHeader('x-content-type-options', 'nosniff');
  for (const handler of handlers) if (await handler(request, response)) return;
  answer(response, 404, 'not found');
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain', 'cache-control': 'no-store' }).end(`${text}\n`);
}

/** Without the query. */
export function pathOf({ url = '/' }: IncomingMessage): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}
