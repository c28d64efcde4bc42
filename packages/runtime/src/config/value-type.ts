/** Owns: what a schema expects, in words, and reading it from text as flags and environment variables give it. */
import { z } from 'zod';

interface JsonSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly format?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly items?: JsonSchema;
}

export interface ValueType {
  readonly kind: 'text' | 'number' | 'boolean' | 'list';
  /** `an integer from 0 to 65535` */
  readonly expected: string;
  readonly defaultValue: unknown;
  /** Text that is not of the type stays text, for the schema to refuse. */
  fromText(text: string): unknown;
}

export function valueTypeOf(schema: z.ZodType): ValueType {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  const kind = kindOf(json);
  return {
    kind,
    expected: json.description ?? expectedOf(json),
    defaultValue: json.default,
    fromText: (text) => (kind === 'list' ? listFromText(text, json.items ?? {}) : scalarFromText(text, kind)),
  };
}

function kindOf(json: JsonSchema): ValueType['kind'] {
  switch (json.type) {
    case 'integer':
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'array':
      return 'list';
    default:
      return 'text';
  }
}

function listFromText(text: string, items: JsonSchema): unknown[] {
  const kind = kindOf(items);
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
    .map((item) => scalarFromText(item, kind));
}

function scalarFromText(text: string, kind: ValueType['kind']): unknown {
  if (kind === 'number') return /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text;
  if (kind !== 'boolean') return text;
  if (/^(true|1|yes|on)$/i.test(text)) return true;
  return /^(false|0|no|off)$/i.test(text) ? false : text;
}

function expectedOf(json: JsonSchema): string {
  if (json.enum) return `one of ${json.enum.map(String).join(', ')}`;
  if (json.const !== undefined) return String(json.const);
  switch (json.type) {
    case 'integer':
      return `an integer${rangeOf(json)}`;
    case 'number':
      return `a number${rangeOf(json)}`;
    case 'boolean':
      return 'true or false';
    case 'array':
      return `a comma-separated list, each ${json.items?.description ?? expectedOf(json.items ?? {})}`;
    default:
      return json.format === 'uri' ? 'a URL' : `text${lengthOf(json)}`;
  }
}

function rangeOf({ minimum, maximum, exclusiveMinimum }: JsonSchema): string {
  const lowest = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? minimum : undefined;
  const highest = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? maximum : undefined;
  if (lowest !== undefined && highest !== undefined) return ` from ${lowest} to ${highest}`;
  if (lowest !== undefined) return ` of at least ${lowest}`;
  if (highest !== undefined) return ` of at most ${highest}`;
  return exclusiveMinimum === undefined ? '' : ` above ${exclusiveMinimum}`;
}

function lengthOf({ minLength, maxLength }: JsonSchema): string {
  if (minLength !== undefined && maxLength !== undefined) return ` of ${minLength} to ${maxLength} characters`;
  if (minLength !== undefined) return minLength === 1 ? '' : ` of at least ${minLength} characters`;
  return maxLength === undefined ? '' : ` of at most ${maxLength} characters`;
}
