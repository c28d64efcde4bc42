/** The application's own errors, from 1000; README.md says the same to people, and a test keeps both equal. Never renumbered. */
import { type ErrorDetails, ImError } from '@im/protocol';

export const APPLICATION_ERRORS = {
  DEVELOPMENT_ONLY: { code: 1000, retryable: false, message: 'tokens are issued only in development mode' },
  TOO_FAST: { code: 1001, retryable: true, message: 'too fast; wait details.retryAfterMs' },
  TEXT_REFUSED: { code: 1002, retryable: false, message: 'the text is refused; see details.reason' },
  GIFT_UNKNOWN: { code: 1003, retryable: false, message: 'no such gift; see gift.catalogue' },
  KEY_REQUIRED: { code: 1004, retryable: false, message: 'give the call a key, so that a repeat is the same' },
  MESSAGE_TO_SELF: { code: 1005, retryable: false, message: 'a private message needs another person' },
  CONVERSATION_UNKNOWN: { code: 1006, retryable: false, message: 'no such conversation, or you are not in it' },
  CONVERSATION_FULL: { code: 1007, retryable: false, message: 'the group has as many members as it may' },
  MESSAGE_UNKNOWN: { code: 1008, retryable: false, message: 'no such message' },
  TOO_LATE: { code: 1009, retryable: false, message: 'too late to take the message back' },
  TOO_MANY_FORGOTTEN: { code: 1010, retryable: false, message: 'too many single messages; name the last one as upTo' },
  TOO_MANY_CONVERSATIONS: { code: 1011, retryable: false, message: 'you are in as many groups as you may; leave one' },
} as const;

export type ApplicationErrorName = keyof typeof APPLICATION_ERRORS;

export function applicationError(name: ApplicationErrorName, details?: ErrorDetails): ImError {
  const { code, message, retryable } = APPLICATION_ERRORS[name];
  return ImError.application(code, name, { message, retryable, details });
}
