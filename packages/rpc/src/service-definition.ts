/**
 * Typed services: what a service is called, what its methods take and answer, as Standard Schemas
 * (https://standardschema.dev), so that callers and workers share one declaration. Independent of any engine.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { checkName } from './names.js';

/** Schemas describe JSON values: what they let through travels as JSON. `undefined` travels as no body. */
export interface MethodDefinition {
  readonly input: StandardSchemaV1;
  readonly output: StandardSchemaV1;
  /** What it may answer before its output, any number of times: callers read these as a stream. */
  readonly parts?: StandardSchemaV1;
  /** Repeating a call is harmless: such calls are retried when a worker was lost. */
  readonly idempotent?: true;
}

export type MethodDefinitions = Readonly<Record<string, MethodDefinition>>;

export interface ServiceDefinition<Methods extends MethodDefinitions = MethodDefinitions> {
  readonly name: string;
  readonly methods: Methods;
}

/** What a caller hands in. */
export type CallerInput<Method extends MethodDefinition> = StandardSchemaV1.InferInput<Method['input']>;
/** What the handler gets: checked, with the schema's defaults filled in. */
export type HandlerInput<Method extends MethodDefinition> = StandardSchemaV1.InferOutput<Method['input']>;
/** What the handler may send before it answers; never, if the method has no parts. */
export type HandlerPart<Method extends MethodDefinition> = Method extends {
  readonly parts: infer Parts extends StandardSchemaV1;
}
  ? StandardSchemaV1.InferInput<Parts>
  : never;
/** What the caller reads before the output. */
export type CallerPart<Method extends MethodDefinition> = Method extends {
  readonly parts: infer Parts extends StandardSchemaV1;
}
  ? StandardSchemaV1.InferOutput<Parts>
  : never;
/** What the handler answers. */
export type HandlerOutput<Method extends MethodDefinition> = StandardSchemaV1.InferInput<Method['output']>;
/** What the caller gets: checked at the worker, with the schema's defaults filled in. */
export type CallerOutput<Method extends MethodDefinition> = StandardSchemaV1.InferOutput<Method['output']>;

/**
 * Declares a service.
 * @throws ImError INVALID_ARGUMENT for names outside `[a-zA-Z][A-Za-z0-9_-]{0,63}`; methods may begin with `$`: no client can call those
 */
export function defineService<const Methods extends MethodDefinitions>(
  definition: ServiceDefinition<Methods>,
): ServiceDefinition<Methods> {
  checkName('service', definition.name);
  for (const method of Object.keys(definition.methods)) checkName('method', method);
  return definition;
}
