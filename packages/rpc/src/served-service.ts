/** The worker's end of a typed service: bytes to checked input, handler, checked output to bytes. */
import { ImError } from '@im/protocol';
import { decodeJson, encodeJson } from './json-body.js';
import { type WorkerMiddleware, wrapService } from './middleware/middleware.js';
import type { CallScope, RpcHeaders, RpcRequest, ServedService } from './rpc.js';
import type {
  HandlerInput,
  HandlerOutput,
  HandlerPart,
  MethodDefinition,
  MethodDefinitions,
  ServiceDefinition,
} from './service-definition.js';
import { invalid, validate } from './validation.js';

/** What a handler gets beside its input. Calls it makes pass it on as `within`, and inherit deadline and cancellation. */
export interface HandlerContext<Part = unknown> extends CallScope {
  readonly method: string;
  readonly idempotencyKey: string | undefined;
  readonly routingKey: string | undefined;
  /** Sent with the reply, not with an error: what the handler adds here. */
  readonly replyHeaders: Record<string, unknown>;
  /** Whether the caller reads parts: it called `stream`. */
  readonly isStream: boolean;
  /**
   * Sends a part of the answer, checked; settles when the next may follow: a slow reader slows the handler.
   * @throws ImError INVALID_OUTPUT, INVALID_ARGUMENT when the caller reads none, or why the call has ended
   */
  send(part: Part): Promise<void>;
}

/** Where the schema takes undefined, a handler may return nothing. */
// biome-ignore lint/suspicious/noConfusingVoidType: it is the return type of a function.
type Answer<Output> = Output | (undefined extends Output ? void : never);

/**
 * Throws ImError to answer an error; anything else thrown is answered INTERNAL, and its text stays here.
 * (A condition that always holds, so that TypeScript resolves the whole type before it looks at a handler: else it
 * would widen the literals that handlers return.)
 */
export type Handler<Method extends MethodDefinition> = Method extends MethodDefinition
  ? (
      input: HandlerInput<Method>,
      context: HandlerContext<HandlerPart<Method>>,
    ) => Answer<HandlerOutput<Method>> | Promise<Answer<HandlerOutput<Method>>>
  : never;

/** Called as methods of the object that holds them. */
export type Handlers<Methods extends MethodDefinitions> = {
  readonly [Name in keyof Methods]: Handler<Methods[Name]>;
};

export interface ImplementationOptions {
  /** Of the code, for canary and hot update. */
  readonly version: string;
  /** Calls carried out at once; more wait. Default 256. */
  readonly concurrency?: number | undefined;
  /** Around every call; the first is the outermost. */
  readonly middleware?: readonly WorkerMiddleware[] | undefined;
}

type AnyHandler = (input: unknown, context: HandlerContext<never>) => unknown;

/**
 * Joins a declaration and its handlers. The service answers INVALID_INPUT before a handler sees what does not fit,
 * and INVALID_OUTPUT instead of what a handler should not have answered.
 * @throws ImError INVALID_ARGUMENT when a handler is missing
 */
export function implementService<Methods extends MethodDefinitions>(
  definition: ServiceDefinition<Methods>,
  handlers: Handlers<Methods>,
  { version, concurrency, middleware = [] }: ImplementationOptions,
): ServedService {
  const methods = new Map(Object.entries(definition.methods));
  const anyHandlers = handlers as Readonly<Record<string, AnyHandler>>;
  for (const name of methods.keys()) {
    if (typeof anyHandlers[name] !== 'function') {
      throw new ImError('INVALID_ARGUMENT', {
        message: `${definition.name}.${name} has no handler`,
        details: { argument: 'handlers', method: name },
      });
    }
  }
  const service: ServedService = {
    name: definition.name,
    version,
    methods: [...methods.keys()],
    concurrency,
    async handle(request) {
      const method = methods.get(request.method);
      if (method === undefined) throw new ImError('METHOD_UNKNOWN');
      const input = validate(method.input, decodeInput(request), 'INVALID_INPUT');
      const context = new RequestContext(request, method);
      const output = await anyHandlers[request.method]?.(input instanceof Promise ? await input : input, context);
      const checked = validate(method.output, output, 'INVALID_OUTPUT');
      return {
        body: encodeOutput(checked instanceof Promise ? await checked : checked),
        headers: context.replyHeaders,
      };
    },
  };
  return wrapService(service, middleware);
}

function decodeInput({ body }: RpcRequest): unknown {
  try {
    return decodeJson(body);
  } catch (cause) {
    throw invalid('INVALID_INPUT', [{ path: [], message: 'not JSON in UTF-8' }], cause);
  }
}

function encodeOutput(output: unknown): Uint8Array {
  try {
    return encodeJson(output);
  } catch (cause) {
    throw invalid('INVALID_OUTPUT', [{ path: [], message: 'cannot be said in JSON' }], cause);
  }
}

/** A request as handlers see it. Engines make signal and headers when they are read, so they are read through. */
class RequestContext implements HandlerContext<never> {
  readonly replyHeaders: Record<string, unknown> = {};
  readonly #request: RpcRequest;
  readonly #definition: MethodDefinition;

  constructor(request: RpcRequest, definition: MethodDefinition) {
    this.#request = request;
    this.#definition = definition;
  }

  get isStream(): boolean {
    return this.#request.isStream;
  }

  async send(part: unknown): Promise<void> {
    const { parts } = this.#definition;
    if (parts === undefined) {
      throw new ImError('INVALID_ARGUMENT', {
        message: 'the method declares no parts',
        details: { argument: 'parts' },
      });
    }
    await this.#request.send(encodeOutput(await validate(parts, part, 'INVALID_OUTPUT')));
  }

  get method(): string {
    return this.#request.method;
  }

  get headers(): RpcHeaders {
    return this.#request.headers;
  }

  get signal(): AbortSignal {
    return this.#request.signal;
  }

  get idempotencyKey(): string | undefined {
    return this.#request.idempotencyKey;
  }

  get routingKey(): string | undefined {
    return this.#request.routingKey;
  }

  remainingMs(): number {
    return this.#request.remainingMs();
  }
}
