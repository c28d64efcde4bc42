/** The same worker and caller as those of the other languages, of @im/rpc. */
import { ImError } from '@im/protocol';
import type { Rpc, RpcHeaders, RpcReply, RpcRequest } from '@im/rpc';
import type { Ask, Asker, Outcome } from './client-process.js';

const encode = (value: unknown): Uint8Array =>
  value === undefined || value === null ? new Uint8Array(0) : Buffer.from(JSON.stringify(value));
const decode = (body: Uint8Array): unknown =>
  body.byteLength === 0 ? null : JSON.parse(Buffer.from(body).toString('utf8'));
const replyOf = (value: unknown, headers: RpcHeaders = {}): RpcReply => ({ body: encode(value), headers });

export class NodeAsker implements Asker {
  readonly #caller;

  constructor(rpc: Rpc) {
    this.#caller = rpc.createCaller();
  }

  async ask({ service, method, input, key, route, trace, headers = {}, stream, ...options }: Ask): Promise<Outcome> {
    const terms = {
      ...options,
      idempotencyKey: key,
      routingKey: route,
      headers: trace === undefined ? headers : { ...headers, traceparent: trace },
    };
    try {
      if (stream !== true) {
        const reply = await this.#caller.call(service, method, encode(input), terms);
        return { value: decode(reply.body), headers: reply.headers };
      }
      const answer = this.#caller.stream(service, method, encode(input), terms);
      const parts: unknown[] = [];
      for await (const part of answer) parts.push(decode(part));
      return { value: decode((await answer.reply).body), parts };
    } catch (error) {
      if (!(error instanceof ImError)) throw error;
      const { code, name, message, retryable, details = {} } = error;
      return { error: { code, name, message, retryable, details } };
    }
  }
}

export async function serveInNode(rpc: Rpc, name: string): Promise<void> {
  const handlers: Record<string, (request: RpcRequest) => Promise<RpcReply>> = {
    echo: async ({ body, headers }) => ({ body, headers }),
    fail: async () => {
      throw new Error('a secret');
    },
    soldOut: async () => {
      throw ImError.from({
        code: 1001,
        name: 'SOLD_OUT',
        message: 'sold out',
        retryable: true,
        details: { left: 0 },
      });
    },
    trace: async ({ headers, idempotencyKey, routingKey }) =>
      replyOf([headers.traceparent, idempotencyKey, routingKey]),
    count: async (request) => {
      const count = decode(request.body) as number;
      for (let part = 0; part < count; part++) await request.send(encode(part));
      return replyOf(count);
    },
    hang: ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
  };
  await rpc.createWorker().serve({
    name,
    version: '1.0.0',
    methods: Object.keys(handlers),
    handle: (request) => {
      const handler = handlers[request.method];
      if (handler === undefined) throw new ImError('METHOD_UNKNOWN');
      return handler(request);
    },
  });
}
