/** Errors that the client raises or acts on itself. The registry of all would be a quarter of its bundle. */
import { CodedError, type ErrorBody, type ErrorDetails } from '@im/protocol';

/** Rows of docs/errors.md. A test compares them with the registry. */
export const OWN_CODES = {
  CANCELLED: 1,
  TIMEOUT: 2,
  DISCONNECTED: 3,
  CLOSED: 4,
  CONFIG_INVALID: 5,
  QUEUE_FULL: 6,
  INVALID_ARGUMENT: 7,
  MALFORMED: 100,
  FRAME_TOO_LARGE: 101,
  TOKEN_EXPIRED: 201,
  INTERNAL: 303,
  NOT_A_MEMBER: 401,
} as const;

/** TIMEOUT, DISCONNECTED, QUEUE_FULL. */
const RETRYABLE: readonly number[] = [2, 3, 6];

export function ownError(
  name: keyof typeof OWN_CODES,
  details?: ErrorDetails,
  options?: { readonly cause: unknown },
): CodedError {
  const code = OWN_CODES[name];
  const message = name.toLowerCase();
  return new CodedError({ code, name, message, retryable: RETRYABLE.includes(code), details } as ErrorBody, options);
}

/** Whatever was thrown, as an error with a code. */
export const toCodedError = (thrown: unknown): CodedError =>
  thrown instanceof CodedError ? thrown : ownError('INTERNAL', undefined, { cause: thrown });
