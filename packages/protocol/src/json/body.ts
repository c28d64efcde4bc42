/** What may stand as the body of a publication, a call or an answer in `im.json.v1`. */
import { MAX_NESTING } from '../limits.js';
import { nestingOf } from './lexical-scan.js';
import { strictDecoder } from './text-coding.js';

const LINE_FEED = 0x0a;

/**
 * True for JSON text in UTF-8 without line breaks, nested at most {@link MAX_NESTING} deep. For the one check where a body enters the system; it is opaque from
 * there on. Size is the caller's to check, before.
 */
export function isJsonBody(body: Uint8Array): boolean {
  if (body.includes(LINE_FEED)) return false;
  try {
    JSON.parse(strictDecoder.decode(body));
    return nestingOf(body) <= MAX_NESTING;
  } catch {
    return false;
  }
}
