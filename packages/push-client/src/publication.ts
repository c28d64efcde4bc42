/** A push message as a publication: checked where it enters the system, and encoded so that nobody has to look again. */
import type { Acknowledgement } from '@im/broadcast';
import {
  faultOfTerms,
  ImError,
  isEventName,
  isJsonBody,
  isLabel,
  isProduct,
  MAX_BODY_BYTES,
  MAX_ID_LENGTH,
  MAX_NESTING,
  type Publication,
  type Terms,
} from '@im/protocol';
import type { PushMessage, PushOptions } from './push-client.js';

const encoder = new TextEncoder();
const ACKNOWLEDGEMENTS: ReadonlySet<string> = new Set<Acknowledgement>(['none', 'accepted', 'durable']);

/**
 * @param time the publisher's clock, milliseconds since 1970
 * @throws ImError INVALID_ARGUMENT, BODY_TOO_LARGE
 */
export function toPublication(message: PushMessage, time: number): Publication {
  const { event, data, lane = 'normal', id } = message;
  if (typeof event !== 'string' || !isEventName(event)) throw invalid('event', 'not an event name');
  if (event.startsWith('$')) throw invalid('event', 'names that begin with $ are the system’s own');
  if (lane !== 'normal' && lane !== 'priority') throw invalid('lane', 'neither normal nor priority');
  if (id !== undefined) checkId(id);
  const terms = toTerms(message);
  return {
    ...{ lane, event, body: encodeBody(data), time },
    ...(id !== undefined && { id }),
    ...(terms !== undefined && { terms }),
  };
}

/** Undefined where nothing is said. @throws ImError INVALID_ARGUMENT */
function toTerms({ lane, sender, reserved, conflate }: PushMessage): Terms | undefined {
  const terms = {
    ...(sender !== undefined && { sender }),
    ...(reserved !== undefined && { reserved }),
    ...(conflate !== undefined && { conflate }),
  };
  const [member] = Object.keys(terms);
  if (member === undefined) return undefined;
  if (lane === 'priority') throw invalid(member, 'not for the priority lane, of which every message is sent');
  const fault = faultOfTerms(terms);
  if (fault !== undefined) throw invalid(fault.field, fault.problem);
  return terms;
}

/** @throws ImError INVALID_ARGUMENT */
export function checkId(id: string): void {
  if (typeof id !== 'string' || !isLabel(id)) throw invalid('id', `not a text of 1 to ${MAX_ID_LENGTH} characters`);
}

/** @throws ImError INVALID_ARGUMENT */
export function checkOptions({ acknowledge = 'accepted', product }: PushOptions): void {
  if (!ACKNOWLEDGEMENTS.has(acknowledge)) throw invalid('acknowledge', 'neither none, accepted nor durable');
  if (product !== undefined && (typeof product !== 'string' || !isProduct(product))) {
    throw invalid('product', 'not the name of a product');
  }
}

export function invalid(field: string, problem: string, cause?: unknown): ImError {
  return new ImError('INVALID_ARGUMENT', { message: `${field}: ${problem}`, details: { field }, cause });
}

/** JSON text without line breaks, in UTF-8. */
function encodeBody(data: unknown = null): Uint8Array {
  let text: string | undefined;
  try {
    text = JSON.stringify(data);
  } catch (cause) {
    throw invalid('data', 'cannot be said in JSON', cause);
  }
  if (text === undefined) throw invalid('data', 'cannot be said in JSON');
  const body = encoder.encode(text);
  if (body.length > MAX_BODY_BYTES) {
    throw new ImError('BODY_TOO_LARGE', {
      details: { field: 'data', bytes: body.length, limitBytes: MAX_BODY_BYTES },
    });
  }
  // Each level of nesting takes two characters, so that short texts need no look.
  if (text.length > 2 * MAX_NESTING && !isJsonBody(body)) throw invalid('data', `nested more than ${MAX_NESTING} deep`);
  return body;
}
