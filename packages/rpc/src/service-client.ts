/** The caller's end of a typed service: one function a method, with types from the declaration. */
import { ImError } from '@im/protocol';
import { decodeJson, encodeJson } from './json-body.js';
import type { CallOptions, RpcCaller, RpcHeaders, RpcReply } from './rpc.js';
import type {
  CallerInput,
  CallerOutput,
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

export interface ClientMethod<Method extends MethodDefinition> {
  /** @throws ImError as RpcCaller.call does, INVALID_INPUT, INVALID_OUTPUT, or what the handler threw */
  (...call: ClientArguments<CallerInput<Method>>): Promise<CallerOutput<Method>>;
  /** The same call, for those who want the reply's headers too. */
  reply(...call: ClientArguments<CallerInput<Method>>): Promise<ClientReply<CallerOutput<Method>>>;
}

export type ServiceClient<Methods extends MethodDefinitions> = {
  readonly [Name in keyof Methods]: ClientMethod<Methods[Name]>;
};

/** A client of one service. Make it once and keep it; it owns nothing, the caller stays yours to close. */
export function createServiceClient<Methods extends MethodDefinitions>(
  definition: ServiceDefinition<Methods>,
  caller: RpcCaller,
  defaults: ClientDefaults = {},
): ServiceClient<Methods> {
  const methods = Object.entries(definition.methods).map(([name, { idempotent }]) => {
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
    return [name, Object.assign(method, { reply })] as const;
  });
  return Object.freeze(Object.fromEntries(methods)) as ServiceClient<Methods>;
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
