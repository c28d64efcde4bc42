/** Checks values against Standard Schemas and tells what is wrong in a bounded, plain JSON form. */
import { type ErrorName, ImError } from '@im/protocol';
import type { StandardSchemaV1 } from '@standard-schema/spec';

/** One element of `details.issues` of INVALID_INPUT and INVALID_OUTPUT. */
export interface ValidationIssue {
  /** Keys and indexes from the value's root. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

const MAX_ISSUES = 10;
const MAX_PATH_LENGTH = 16;
const MAX_TEXT_LENGTH = 200;

/**
 * What the schema makes of the value; a promise only where the schema needs one, for most do not and calls are many.
 * @throws (or rejects with) ImError of the given name, with `details.issues`
 */
export function validate(schema: StandardSchemaV1, value: unknown, errorName: ErrorName): unknown {
  const result = schema['~standard'].validate(value);
  return result instanceof Promise ? result.then((known) => outcomeOf(known, errorName)) : outcomeOf(result, errorName);
}

function outcomeOf(result: StandardSchemaV1.Result<unknown>, errorName: ErrorName): unknown {
  if (result.issues === undefined) return result.value;
  throw invalid(errorName, result.issues.slice(0, MAX_ISSUES).map(toIssue));
}

export function invalid(errorName: ErrorName, issues: readonly ValidationIssue[], cause?: unknown): ImError {
  return new ImError(errorName, { details: { issues }, cause });
}

function toIssue({ path = [], message }: StandardSchemaV1.Issue): ValidationIssue {
  return {
    path: path.slice(0, MAX_PATH_LENGTH).map((segment) => toKey(typeof segment === 'object' ? segment.key : segment)),
    message: message.slice(0, MAX_TEXT_LENGTH),
  };
}

function toKey(key: PropertyKey): string | number {
  return typeof key === 'number' ? key : String(key).slice(0, MAX_TEXT_LENGTH);
}
