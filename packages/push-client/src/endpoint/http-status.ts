/** Errors as HTTP statuses (docs/push.md). */
import type { ErrorName, ImError } from '@im/protocol';

const STATUS: Readonly<Partial<Record<ErrorName, number>>> = {
  MALFORMED: 400,
  INVALID_ARGUMENT: 400,
  GROUP_INVALID: 400,
  UNAUTHORIZED: 401,
  TIMEOUT: 408,
  BODY_TOO_LARGE: 413,
  TOO_MANY_RECORDS: 413,
  RECEIPT_UNKNOWN: 404,
  RECEIPTS_UNSERVED: 501,
  QUEUE_FULL: 429,
  RATE_LIMITED: 429,
  OVERLOADED: 429,
};

/** What is not listed is 503 when trying again may help, and 500 when not. */
export function httpStatus({ name, retryable }: Pick<ImError, 'name' | 'retryable'>): number {
  return (STATUS as Readonly<Record<string, number>>)[name] ?? (retryable ? 503 : 500);
}
