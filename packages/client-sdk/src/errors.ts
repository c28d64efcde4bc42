/** Errors that the client raises or acts on itself. The registry of all would be a quarter of its bundle. */
import { CodedError, type ErrorDetails } from '@im/protocol';

/** Rows of docs/errors.md: code, and whether trying again may succeed. A test compares them with the registry. */
export const OWN_ERRORS = {
  CANCELLED: [1, false],
  TIMEOUT: [2, true],
  DISCONNECTED: [3, true],
  CLOSED: [4, false],
  CONFIG_INVALID: [5, false],
  QUEUE_FULL: [6, true],
  INVALID_ARGUMENT: [7, false],
  MALFORMED: [100, false],
  FRAME_TOO_LARGE: [101, false],
  TOKEN_EXPIRED: [201, true],
  INTERNAL: [303, false],
  NOT_A_MEMBER: [401, false],
} as const;

type OwnErrorName = keyof typeof OWN_ERRORS;

export const codeOf = (name: OwnErrorName): number => OWN_ERRORS[name][0];

export function ownError(name: OwnErrorName, details?: ErrorDetails, cause?: unknown): CodedError {
  const [code, retryable] = OWN_ERRORS[name];
  const message = name.toLowerCase().replaceAll('_', ' ');
  return new CodedError({ code, name, message, retryable, ...(details && { details }) }, cause);
}

/** Whatever was thrown, as an error with a code. */
export const toCodedError = (thrown: unknown): CodedError =>
  thrown instanceof CodedError ? thrown : ownError('INTERNAL', undefined, thrown);
