/** What every engine refuses before it does anything, so that all refuse the same. Sizes and names only: bodies are opaque. */
import {
  faultOfTerms,
  ImError,
  isEventName,
  isGroupId,
  isLabel,
  MAX_BODY_BYTES,
  MAX_ID_LENGTH,
  type Publication,
} from '@im/protocol';

/** @throws ImError GROUP_INVALID */
export function checkGroup(group: string): void {
  if (!isGroupId(group)) {
    throw new ImError('GROUP_INVALID', { message: `not a group id: ${JSON.stringify(group.slice(0, 96))}` });
  }
}

/** Each group once; those that are none have failed already. */
export function checkGroups(groups: readonly string[]): {
  readonly valid: readonly string[];
  readonly failed: Map<string, Error>;
} {
  const valid: string[] = [];
  const failed = new Map<string, Error>();
  for (const group of new Set(groups)) {
    if (isGroupId(group)) valid.push(group);
    else failed.set(group, new ImError('GROUP_INVALID'));
  }
  return { valid, failed };
}

/** The name found right last: most publications have the event of the one before. */
let lastEvent = '';

/** @throws ImError BODY_TOO_LARGE, INVALID_ARGUMENT */
export function checkPublication(publication: Publication): void {
  const { lane, event, body, id, time, terms } = publication;
  if (!isBytes(body)) throw invalid('body', 'must be bytes, a Uint8Array');
  if (body.length > MAX_BODY_BYTES) {
    throw new ImError('BODY_TOO_LARGE', { details: { bytes: body.length, maxBytes: MAX_BODY_BYTES } });
  }
  if (lane !== 'normal' && lane !== 'priority') throw invalid('lane', 'neither normal nor priority');
  if (event !== lastEvent) {
    if (!isEventName(event)) throw invalid('event', 'not an event name');
    lastEvent = event;
  }
  if (id !== undefined && !isLabel(id)) {
    throw invalid('id', `must be well-formed text of 1 to ${MAX_ID_LENGTH} characters`);
  }
  if (!Number.isSafeInteger(time) || time < 0) throw invalid('time', 'must be milliseconds since 1970');
  if (terms === undefined) return;
  if (lane === 'priority') throw invalid('terms', 'priority messages have none');
  const fault = faultOfTerms(terms);
  if (fault !== undefined) throw invalid(`terms.${fault.field}`, fault.problem);
}

/** Programs without types hand over an ArrayBuffer or a text: neither has bytes that could be counted and copied. */
function isBytes(body: Uint8Array): boolean {
  return typeof body === 'object' && body.length >= 0;
}

function invalid(field: string, problem: string): ImError {
  return new ImError('INVALID_ARGUMENT', { message: `${field}: ${problem}`, details: { field } });
}
