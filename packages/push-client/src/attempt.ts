/** What one attempt over a network comes to. */
import type { ErrorName, ImError } from '@im/protocol';

export type Attempt<Result> = { readonly result: Result } | FailedAttempt;

export interface FailedAttempt {
  readonly error: ImError;
  /** It is certain that nothing was published. */
  readonly nothingTaken: boolean;
  /** What it asks for; 0 when it does not. */
  readonly retryAfterMs: number;
}

/** Errors after which repeating is safe on any lane. */
export const NOTHING_TAKEN: ReadonlySet<string> = new Set<ErrorName>([
  'QUEUE_FULL',
  'RATE_LIMITED',
  'OVERLOADED',
  'UNAVAILABLE',
  'SHUTTING_DOWN',
]);
