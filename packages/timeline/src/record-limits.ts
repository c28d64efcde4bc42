/** How much of records there may be, and what every store refuses before it does anything, so that all refuse the same. */
import { ImError, MAX_BODY_BYTES } from '@im/protocol';
import { checkGroup, invalidArgument } from './argument-checks.js';
import type { RecordChange, RecordRange } from './record-store.js';

/** Records of one owner; a write that would make more is refused. */
export const MAX_RECORDS = 10_000;
/** Fields of one `get`, changes of one `write`. */
export const MAX_RECORD_FIELDS = 256;
/** Records of one page. */
export const MAX_RECORD_PAGE = 1_000;
/** Of bodies, in one page and in one write: less than a call between processes may carry. */
export const MAX_RECORD_BYTES = 524_288;

const FIELD = /^[A-Za-z0-9_.:-]{1,128}$/;
const PREFIX = /^[A-Za-z0-9_.:-]{0,128}$/;

/** @throws ImError GROUP_INVALID, INVALID_ARGUMENT */
export function checkFields(owner: string, fields: readonly string[]): void {
  checkGroup(owner);
  checkCount(fields.length, 'fields');
  for (const field of fields) checkField(field);
}

/** @throws ImError GROUP_INVALID, INVALID_ARGUMENT */
export function checkRecordRange(owner: string, { prefix, after, limit }: RecordRange): void {
  checkGroup(owner);
  if (!PREFIX.test(prefix)) throw invalidArgument('prefix', 'not the beginning of a field');
  if (after !== undefined) checkField(after);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_RECORD_PAGE) {
    throw invalidArgument('limit', `must be 1 to ${MAX_RECORD_PAGE}`);
  }
}

/**
 * @returns the bytes of all bodies
 * @throws ImError GROUP_INVALID, INVALID_ARGUMENT, BODY_TOO_LARGE
 */
export function checkChanges(owner: string, changes: readonly RecordChange[]): number {
  checkGroup(owner);
  checkCount(changes.length, 'changes');
  if (new Set(changes.map(({ field }) => field)).size < changes.length) {
    throw invalidArgument('changes', 'name a field twice');
  }
  let bytes = 0;
  for (const { field, body, revision } of changes) {
    checkField(field);
    if (revision !== undefined && !(Number.isSafeInteger(revision) && revision >= 0)) {
      throw invalidArgument('revision', 'not a revision');
    }
    const size = body?.length ?? 0;
    if (size > MAX_BODY_BYTES) throw tooLarge(size, MAX_BODY_BYTES);
    bytes += size;
  }
  if (bytes > MAX_RECORD_BYTES) throw tooLarge(bytes, MAX_RECORD_BYTES);
  return bytes;
}

/** Whether a record may be changed as asked. @param revision 0 when it is not there */
export function isExpected(change: RecordChange, revision: number): boolean {
  return change.revision === undefined || change.revision === revision;
}

export function recordChanged(field: string): ImError {
  return new ImError('RECORD_CHANGED', { details: { field } });
}

export function tooManyRecords(): ImError {
  return new ImError('TOO_MANY_RECORDS', { details: { max: MAX_RECORDS } });
}

function checkField(field: string): void {
  if (!FIELD.test(field)) throw invalidArgument('field', 'must be 1 to 128 of [A-Za-z0-9_.:-]');
}

function checkCount(count: number, what: string): void {
  if (count > MAX_RECORD_FIELDS) throw invalidArgument(what, `must be at most ${MAX_RECORD_FIELDS}`);
}

function tooLarge(bytes: number, maxBytes: number): ImError {
  return new ImError('BODY_TOO_LARGE', { details: { bytes, maxBytes } });
}
