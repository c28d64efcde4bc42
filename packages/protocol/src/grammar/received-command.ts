/** From the fields of one message, however they were written, to what a gateway takes it for. */
import { ERROR_CODES } from '../error-codes.js';
import { ImError } from '../im-error.js';
import type { InvalidCommand, ReceivedCommand } from '../messages.js';
import { type BadField, type Fields, readFields } from './client-fields.js';
import { isId } from './field-grammar.js';

/** The body of a call, or `broken` where what stands there is none. */
export type ReceivedBody = Uint8Array | 'broken' | undefined;

/** The member that says of which kind a message is (PR-5). @throws ImError MALFORMED */
export function kindOf({ type }: Fields): string {
  if (typeof type !== 'string') throw malformed('a message has no string `type`');
  return type;
}

/** Undefined for what PR-7 tells receivers to ignore. @throws ImError MALFORMED */
export function receivedCommand(
  kind: string,
  fields: Fields,
  data: ReceivedBody,
): ReceivedCommand<Uint8Array> | undefined {
  const { id } = fields;
  const message = data === 'broken' ? brokenBody(kind, fields) : readFields(kind, fields, data);
  if (message === undefined) return isId(id) ? { type: 'unknown', kind, id } : undefined;
  if (typeof message !== 'string') return message;
  if (!isId(id)) throw malformed(`\`${message}\` of \`${kind}\` breaks its grammar`);
  return invalid(id, kind, message);
}

export function malformed(message: string, cause?: unknown): ImError {
  return new ImError('MALFORMED', { message, cause });
}

/** The first field that breaks its grammar, which is `data` if no other does. */
function brokenBody(kind: string, fields: Fields): BadField {
  const message = readFields(kind, fields, undefined);
  return typeof message === 'string' ? message : 'data';
}

/** Made without an Error: it only travels, and a stack would be paid for by whoever is being flooded. */
function invalid(id: number, kind: string, field: BadField): InvalidCommand {
  const { code, retryable } = ERROR_CODES.MALFORMED;
  const message = `\`${field}\` of \`${kind}\` breaks its grammar`;
  return { type: 'invalid', id, kind, error: { code, name: 'MALFORMED', message, retryable, details: { field } } };
}
