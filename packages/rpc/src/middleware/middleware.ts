/** Around calls, on both sides: what measures, logs, authorizes or repeats them without knowing their bodies. */
import type { CallOptions, RpcCaller, RpcHeaders, RpcReply, RpcRequest, RpcStream, ServedService } from '../rpc.js';

type Next<Call> = (call: Call) => Promise<RpcReply>;

/** Answers, throws, or asks the next one in with the call or a changed one. The first of a list is the outermost. */
export type Middleware<Call> = (call: Call, next: Next<Call>) => Promise<RpcReply>;

/** A call on its way out. A changed copy may be passed on. */
export interface OutgoingCall {
  readonly service: string;
  readonly method: string;
  readonly body: Uint8Array;
  readonly options: CallOptions;
}

export type CallerMiddleware = Middleware<OutgoingCall>;
/** Requests are not to be copied with a spread: {@link withHeaders} makes one with other headers. */
export type WorkerMiddleware = Middleware<RpcRequest>;
/** Fits both sides. */
export type CommonMiddleware = <Call extends { readonly service: string; readonly method: string }>(
  call: Call,
  next: Next<Call>,
) => Promise<RpcReply>;

/** The caller, with middleware around each of its calls. Closing it closes the caller. */
export function wrapCaller(caller: RpcCaller, middleware: readonly CallerMiddleware[]): RpcCaller {
  const run = compose(middleware, ({ service, method, body, options }) => caller.call(service, method, body, options));
  return {
    call: async (service, method, body, options = {}) => run({ service, method, body, options }),
    stream: (service, method, body, options = {}) => wrapStream(caller, middleware, { service, method, body, options }),
    close: () => caller.close(),
  };
}

/** The service, with middleware around each of its calls. */
export function wrapService(service: ServedService, middleware: readonly WorkerMiddleware[]): ServedService {
  if (middleware.length === 0) return service;
  const run = compose(middleware, (request) => service.handle(request));
  return { ...service, handle: async (request) => run(request) };
}

/** The request as seen by the next in, with these headers instead of its own. */
export function withHeaders(request: RpcRequest, headers: RpcHeaders): RpcRequest {
  return new RequestWithHeaders(request, headers);
}

/** Middleware sees the reply; the parts pass by it. */
function wrapStream(caller: RpcCaller, middleware: readonly CallerMiddleware[], outgoing: OutgoingCall): RpcStream {
  let found: (stream: RpcStream) => void = () => {};
  const stream = new Promise<RpcStream>((resolve) => {
    found = resolve;
  });
  const run = compose<OutgoingCall>(middleware, ({ service, method, body, options }) => {
    const inner = caller.stream(service, method, body, options);
    found(inner);
    return inner.reply;
  });
  const reply = (async () => run(outgoing))();
  // Whoever only reads the parts hears of a failure there.
  reply.catch(() => {});
  return {
    reply,
    async *[Symbol.asyncIterator]() {
      const inner = await Promise.race([stream, reply.then(() => undefined)]);
      if (inner !== undefined) yield* inner;
      await reply;
    },
  };
}

function compose<Call>(middleware: readonly Middleware<Call>[], innermost: Next<Call>): Next<Call> {
  return middleware.reduceRight<Next<Call>>((next, layer) => (call) => layer(call, next), innermost);
}

/** Engines make parts of a request when they are read, so it is delegated to instead of copied. */
class RequestWithHeaders implements RpcRequest {
  readonly headers: RpcHeaders;
  readonly #inner: RpcRequest;

  constructor(inner: RpcRequest, headers: RpcHeaders) {
    this.#inner = inner;
    this.headers = headers;
  }

  get service(): string {
    return this.#inner.service;
  }

  get method(): string {
    return this.#inner.method;
  }

  get body(): Uint8Array {
    return this.#inner.body;
  }

  get signal(): AbortSignal {
    return this.#inner.signal;
  }

  get idempotencyKey(): string | undefined {
    return this.#inner.idempotencyKey;
  }

  get routingKey(): string | undefined {
    return this.#inner.routingKey;
  }

  get isStream(): boolean {
    return this.#inner.isStream;
  }

  remainingMs(): number {
    return this.#inner.remainingMs();
  }

  send(part: Uint8Array): Promise<void> {
    return this.#inner.send(part);
  }
}
