/** What every store refuses before it does anything, so that all refuse the same. */
import { ImError, isEventName, isGroupId, MAX_BODY_BYTES, MAX_ID_LENGTH } from '@im/protocol';
import type { NewEntry, ReadRange } from './log-store.js';

/** @throws ImError GROUP_INVALID */
export function checkGroup(group: string): void {
  if (!isGroupId(group)) {
    throw new ImError('GROUP_INVALID', { message: `not a group id: ${JSON.stringify(group.slice(0, 96))}` });
  }
}

/** @throws ImError BODY_TOO_LARGE, INVALID_ARGUMENT */
export function checkEntry(entry: NewEntry): void {
  // Programs without types hand over an ArrayBuffer or a text.
  if (typeof entry.body !== 'object' || !(entry.body.length >= 0)) {
    throw invalidArgument('body', 'must be bytes, a Uint8Array');
  }
  if (entry.body.length > MAX_BODY_BYTES) {
    throw new ImError('BODY_TOO_LARGE', { details: { bytes: entry.body.length, maxBytes: MAX_BODY_BYTES } });
  }
  if (!isEventName(entry.event)) throw invalidArgument('event', 'not an event name');
  if (entry.id !== undefined && !isMessageId(entry.id)) {
    throw invalidArgument('id', `must be well-formed text of 1 to ${MAX_ID_LENGTH} characters`);
  }
  if (!Number.isSafeInteger(entry.time) || entry.time < 0)
    throw invalidArgument('time', 'must be milliseconds since 1970');
}

/** @throws ImError INVALID_ARGUMENT */
export function checkRange(range: ReadRange): void {
  const from = 'after' in range ? range.after : range.before;
  if (!Number.isSafeInteger(from) || from < 0)
    throw invalidArgument('after' in range ? 'after' : 'before', 'not a version');
  if (!Number.isSafeInteger(range.limit) || range.limit < 1)
    throw invalidArgument('limit', 'must be a positive integer');
  if (range.maxBytes !== undefined && !(range.maxBytes >= 0)) throw invalidArgument('maxBytes', 'must not be negative');
}

/** @param field what is wrong */
export function invalidArgument(field: string, problem: string): ImError {
  return new ImError('INVALID_ARGUMENT', { message: `${field}: ${problem}`, details: { field } });
}

/** Halves of surrogate pairs have no UTF-8: two ids could become the same. */
const HALF_PAIR = /\p{Surrogate}/u;

function isMessageId(text: string): boolean {
  return text.length > 0 && text.length <= MAX_ID_LENGTH && !HALF_PAIR.test(text);
}
