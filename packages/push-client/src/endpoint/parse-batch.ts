/** A request's body as pushes: one JSON object, an array of them, or one a line. Pure. */
import { ImError } from '@im/protocol';
import { invalid } from '../publication.js';
import { type PushRequest, parsePush } from '../wire.js';

/** Answers are given in the form in which pushes came. */
export type BatchForm = 'one' | 'array' | 'lines';

export interface Batch {
  readonly form: BatchForm;
  /** In order; an error for a push that cannot be understood. Each is answered by itself. */
  readonly pushes: readonly (PushRequest | ImError)[];
}

/**
 * @param contentType `application/x-ndjson` (or `application/jsonl`) means one a line; anything else is JSON
 * @throws ImError MALFORMED for what is not JSON as a whole, INVALID_ARGUMENT for no push, BODY_TOO_LARGE for too many
 */
export function parseBatch(text: string, contentType: string | undefined, maxPushes: number): Batch {
  if (/^application\/(x-ndjson|jsonl)\b/i.test(contentType ?? '')) {
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    return batch('lines', lines, maxPushes, (line) => parsePush(parseJson(line)));
  }
  const value = parseJson(text);
  return Array.isArray(value)
    ? batch('array', value, maxPushes, parsePush)
    : batch('one', [value], maxPushes, parsePush);
}

function batch<Raw>(form: BatchForm, raw: readonly Raw[], maxPushes: number, parse: (raw: Raw) => PushRequest): Batch {
  if (raw.length === 0) throw invalid('push', 'there is none');
  if (raw.length > maxPushes) throw new ImError('BODY_TOO_LARGE', { details: { limitPushes: maxPushes } });
  return { form, pushes: raw.map((one) => orError(() => parse(one))) };
}

function orError(parse: () => PushRequest): PushRequest | ImError {
  try {
    return parse();
  } catch (error) {
    return ImError.wrap(error);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ImError('MALFORMED', { message: 'not JSON', cause });
  }
}
