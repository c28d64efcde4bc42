/**
 * Headers and errors as they travel, the same for every engine: JSON text, checked and limited where it is made.
 * Engines that do not leave the process use it too, so that nothing works there which would fail between processes.
 */
import { type ErrorBody, ImError } from '@im/protocol';
import type { RpcHeaders } from './rpc.js';
import { MAX_HEADER_BYTES } from './rpc-limits.js';
import { parseObject } from './wire/message.js';

/** W3C trace context; calls made on behalf of another pass it on. */
export const TRACE_HEADER = 'traceparent';

const TRACE = /^[\x21-\x7e]{1,255}$/;

export const NO_HEADERS: RpcHeaders = Object.freeze({});

/** Which part of a call broke a limit: `details.part` of the error. */
type Part = 'body' | 'headers' | 'reply body' | 'reply headers';

/**
 * JSON text of headers; empty text for none.
 * @throws ImError INVALID_ARGUMENT for what JSON cannot say, BODY_TOO_LARGE beyond 8 KiB
 */
export function encodeHeaders(headers: RpcHeaders, part: Part = 'headers'): string {
  if (isEmpty(headers)) return '';
  let text: string;
  try {
    text = JSON.stringify(headers);
  } catch (cause) {
    throw new ImError('INVALID_ARGUMENT', { message: `${part} are not JSON`, details: { argument: part }, cause });
  }
  if (exceeds(text, MAX_HEADER_BYTES)) throw tooLarge(part, MAX_HEADER_BYTES);
  return text;
}

/** The opposite of {@link encodeHeaders}. @throws ImError MALFORMED for text that is no JSON object */
export function decodeHeaders(text: string): RpcHeaders {
  if (text === '') return NO_HEADERS;
  const headers = parseObject(text);
  if (headers === undefined) throw new ImError('MALFORMED', { message: 'the headers are no JSON object' });
  return headers;
}

/** JSON text of an error; details that JSON cannot say or that exceed 8 KiB are left out. */
export function encodeError(error: ImError): string {
  const { details, ...body } = error.toBody();
  const message = body.message.slice(0, 1_024);
  if (details !== undefined) {
    try {
      const text = JSON.stringify({ ...body, message, details });
      if (!exceeds(text, MAX_HEADER_BYTES)) return text;
    } catch {
      // Not JSON: code and message still tell the caller what to do.
    }
  }
  return JSON.stringify({ ...body, message });
}

/** The opposite of {@link encodeError}; INTERNAL for text that describes no error. */
export function decodeError(text: string): ImError {
  try {
    const { code, name, message, retryable, details } = JSON.parse(text) as Partial<ErrorBody>;
    if (Number.isSafeInteger(code) && typeof name === 'string') {
      return ImError.from({
        code: code as number,
        name,
        message: typeof message === 'string' ? message : name,
        retryable: retryable === true,
        ...(typeof details === 'object' && details !== null && { details }),
      });
    }
  } catch {
    // No JSON: said below.
  }
  return new ImError('INTERNAL', { message: 'the answer described no error' });
}

/** Trace context travels in a place of its own, so that whoever only passes it on parses no headers. */
export function takeTrace(headers: RpcHeaders): { readonly headers: RpcHeaders; readonly trace: string | undefined } {
  const trace = headers[TRACE_HEADER];
  if (typeof trace !== 'string' || !TRACE.test(trace)) return { headers, trace: undefined };
  const { [TRACE_HEADER]: _, ...rest } = headers;
  return { headers: rest, trace };
}

/** @throws ImError BODY_TOO_LARGE */
export function checkBody(body: Uint8Array, limitBytes: number, part: Part = 'body'): void {
  if (body.length > limitBytes) throw tooLarge(part, limitBytes);
}

function tooLarge(part: Part, limitBytes: number): ImError {
  return new ImError('BODY_TOO_LARGE', {
    message: `the ${part} exceeds its limit of ${limitBytes} bytes`,
    details: { part, limitBytes },
  });
}

function isEmpty(headers: RpcHeaders): boolean {
  for (const _ in headers) return false;
  return true;
}

function exceeds(text: string, limitBytes: number): boolean {
  // A UTF-16 unit becomes one to three bytes, so most texts need no count.
  return text.length > limitBytes || (text.length * 3 > limitBytes && Buffer.byteLength(text) > limitBytes);
}
