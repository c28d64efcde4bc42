/** What a call's options come to once what it inherits is taken in; the same for every engine. Pure. */
import { ImError } from '@im/protocol';
import type { CancelSignal } from './cancellation.js';
import type { CallOptions, RpcHeaders } from './rpc.js';
import { DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS } from './rpc-limits.js';
import { NO_HEADERS, TRACE_HEADER } from './wire-values.js';

/**
 * Milliseconds until the deadline.
 * @throws ImError INVALID_ARGUMENT for what is no number, DEADLINE_EXCEEDED when nothing is left
 */
export function effectiveTimeoutMs({ timeoutMs = DEFAULT_TIMEOUT_MS, within }: CallOptions): number {
  if (typeof timeoutMs !== 'number' || Number.isNaN(timeoutMs)) {
    throw new ImError('INVALID_ARGUMENT', { details: { argument: 'timeoutMs' } });
  }
  const left = Math.min(timeoutMs, within?.remainingMs() ?? timeoutMs, MAX_TIMEOUT_MS);
  if (left <= 0) throw deadlineExceeded(false);
  return left;
}

/** The call's own headers, and the trace header of the call it is made on behalf of unless it has one. */
export function effectiveHeaders({ headers = NO_HEADERS, within }: CallOptions): RpcHeaders {
  const trace = within?.headers[TRACE_HEADER];
  return trace === undefined || Object.hasOwn(headers, TRACE_HEADER) ? headers : { ...headers, [TRACE_HEADER]: trace };
}

/** @param handedOut whether a worker may have begun to carry it out */
export function deadlineExceeded(handedOut: boolean): ImError {
  return new ImError('DEADLINE_EXCEEDED', { details: { handedOut } });
}

/** What a call fails with when this signal aborts: the deadline it inherits has passed, or somebody cancelled. */
export function abortError(signal: CancelSignal, handedOut: boolean): ImError {
  const cause: unknown = signal.reason;
  if (cause instanceof ImError && cause.name === 'DEADLINE_EXCEEDED') return deadlineExceeded(handedOut);
  return new ImError('CANCELLED', { details: { handedOut }, cause });
}

/** The same error, where it tells whether a worker may have begun, telling it so. */
export function withHandedOut(error: ImError, handedOut: boolean): ImError {
  if (error.name !== 'CANCELLED' && error.name !== 'DEADLINE_EXCEEDED') return error;
  return new ImError(error.name, { details: { handedOut }, cause: error.cause });
}
