/** The caller's end of a typed service: one function a method, with types from the declaration. */
import { ImError } from '@im/protocol';
import { decodeJson, encodeJson } from './json-body.js';
import type { CallOptions, RpcCaller, RpcHeaders, RpcReply, RpcStream } from './rpc.js';
import type {
  CallerInput,
  CallerOutput,
  CallerPart,
  MethodDefinition,
  MethodDefinitions,
  ServiceDefinition,
} from './service-definition.js';
import { invalid } from './validation.js';

export interface ClientCallOptions
  extends Pick<CallOptions, 'timeoutMs' | 'signal' | 'headers' | 'within' | 'routingKey'> {
  /** Idempotency key: the worker answers calls of one key once and repeats that answer. */
  readonly key?: string | undefined;
}

/** For calls that do not say otherwise. */
export interface ClientDefaults {
  readonly timeoutMs?: number | undefined;
  /** A call's own headers of the same name win. */
  readonly headers?: RpcHeaders | undefined;
}

/** A reply with what travelled beside it. */
export interface ClientReply<Output> {
  readonly output: Output;
  readonly headers: RpcHeaders;
}

/** Input is optional where the schema takes undefined. */
type ClientArguments<Input> = undefined extends Input
  ? [input?: Input, options?: ClientCallOptions]
  : [input: Input, options?: ClientCallOptions];

/** Parts in order, then the output. Who leaves the iteration early cancels the call. */
export interface ClientStream<Part, Output> extends AsyncIterable<Part> {
  readonly output: Promise<Output>;
}

interface UnaryMethod<Method extends MethodDefinition> {
  /** @throws ImError as RpcCaller.call does, INVALID_INPUT, INVALID_OUTPUT, or what the handler threw */
  (...call: ClientArguments<CallerInput<Method>>): Promise<CallerOutput<Method>>;
  /** The same call, for those who want the reply's headers too. */
  reply(...call: ClientArguments<CallerInput<Method>>): Promise<ClientReply<CallerOutput<Method>>>;
}

interface StreamMethod<Method extends MethodDefinition> {
  /**
   * Calls it and reads its parts. A slow reader slows the handler: 32 parts at most are on their way.
   * @throws ImError as the call does: by the iteration, and by `output`
   */
  stream(...call: ClientArguments<CallerInput<Method>>): ClientStream<CallerPart<Method>, CallerOutput<Method>>;
}

export type ClientMethod<Method extends MethodDefinition> = Method extends { readonly parts: object }
  ? UnaryMethod<Method> & StreamMethod<Method>
  : UnaryMethod<Method>;

export type ServiceClient<Methods extends MethodDefinitions> = {
  readonly [Name in keyof Methods]: ClientMethod<Methods[Name]>;
};

/** A client of one service. Make it once and keep it; it owns nothing, the caller stays yours to close. */
export function createServiceClient<Methods extends MethodDefinitions>(
  definition: ServiceDefinition<Methods>,
  caller: RpcCaller,
  defaults: ClientDefaults = {},
): ServiceClient<Methods> {
  const methods = Object.entries(definition.methods).map(([name, { idempotent, parts }]) => {
    const plain = toCallOptions({}, defaults, idempotent);
    const call = (input: unknown, options: ClientCallOptions | undefined): Promise<RpcReply> =>
      caller.call(
        definition.name,
        name,
        encodeInput(input),
        options === undefined ? plain : toCallOptions(options, defaults, idempotent),
      );
    const method = async (input?: unknown, options?: ClientCallOptions): Promise<unknown> =>
      decodeOutput((await call(input, options)).body);
    const reply = async (input?: unknown, options?: ClientCallOptions): Promise<ClientReply<unknown>> => {
      const { body, headers } = await call(input, options);
      return { output: decodeOutput(body), headers };
    };
    const stream = (input?: unknown, options?: ClientCallOptions): ClientStream<unknown, unknown> =>
      readStream(
        caller.stream(
          definition.name,
          name,
          encodeInput(input),
          options === undefined ? plain : toCallOptions(options, defaults, idempotent),
        ),
      );
    return [name, Object.assign(method, parts === undefined ? { reply } : { reply, stream })] as const;
  });
  return Object.freeze(Object.fromEntries(methods)) as ServiceClient<Methods>;
}

function readStream(inner: RpcStream): ClientStream<unknown, unknown> {
  const output = inner.reply.then(({ body }) => decodeOutput(body));
  // Whoever only reads the parts hears of a failure there.
  output.catch(() => {});
  return {
    output,
    async *[Symbol.asyncIterator]() {
      for await (const part of inner) yield decodeOutput(part);
    },
  };
}

function toCallOptions(
  { timeoutMs, signal, headers, within, routingKey, key }: ClientCallOptions,
  defaults: ClientDefaults,
  idempotent: true | undefined,
): CallOptions {
  return {
    timeoutMs: timeoutMs ?? defaults.timeoutMs,
    signal,
    headers: defaults.headers === undefined ? headers : { ...defaults.headers, ...headers },
    within,
    routingKey,
    idempotent,
    idempotencyKey: key,
  };
}

function encodeInput(input: unknown): Uint8Array {
  try {
    return encodeJson(input);
  } catch (cause) {
    throw new ImError('INVALID_ARGUMENT', { message: 'the input is not JSON', details: { argument: 'input' }, cause });
  }
}

function decodeOutput(body: Uint8Array): unknown {
  try {
    return decodeJson(body);
  } catch (cause) {
    throw invalid('INVALID_OUTPUT', [{ path: [], message: 'not JSON in UTF-8' }], cause);
  }
}
