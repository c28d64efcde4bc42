/** Tells the log of calls that fail, for either side, as loudly as somebody has to act. */
import { FIRST_APPLICATION_CODE, ImError } from '@im/protocol';
import type { Logger } from '@im/protocol/ports';
import type { CommonMiddleware } from './middleware.js';

export interface LogFailuresOptions {
  readonly logger: Logger;
}

/** The service's own faults. */
const FAULTS = new Set(['INTERNAL', 'INVALID_OUTPUT']);

/**
 * INTERNAL and INVALID_OUTPUT are logged as errors, what is retryable as warnings, and the rest, which the caller has
 * to mend, for debugging; so are the application's own errors, which people cause at will. Bodies and headers are never logged. At a worker, things thrown that are no ImError become
 * INTERNAL here, so that the engine does not log them again.
 */
export function logFailures({ logger }: LogFailuresOptions): CommonMiddleware {
  return async (call, next) => {
    try {
      return await next(call);
    } catch (thrown) {
      const error = ImError.wrap(thrown);
      const { service, method } = call;
      const { code, name, message, details, cause } = error;
      const isFleeting = error.retryable && code < FIRST_APPLICATION_CODE;
      const level = FAULTS.has(name) ? 'error' : isFleeting ? 'warn' : 'debug';
      logger[level]('a call failed', { service, method, code, name, message, details, cause });
      throw error;
    }
  };
}
