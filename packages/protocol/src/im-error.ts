/** The one error type of every @im package. */
import { CodedError, type ErrorBody, type ErrorDetails } from './coded-error.js';
import { ERROR_CODES, type ErrorName, FIRST_APPLICATION_CODE } from './error-codes.js';

export interface ImErrorOptions {
  /** Defaults to the registry's line. */
  message?: string | undefined;
  /** Plain JSON for programs; never secrets: it may travel to clients. */
  details?: ErrorDetails | undefined;
  /** Defaults to the registry's. */
  retryable?: boolean | undefined;
  /** The local cause; never travels. */
  cause?: unknown;
}

export class ImError extends CodedError {
  /** @param name its row in the registry */
  constructor(name: ErrorName, { message, details, retryable, cause }: ImErrorOptions = {}) {
    const row = ERROR_CODES[name];
    super(
      {
        code: row.code,
        name,
        message: message ?? row.message,
        retryable: retryable ?? row.retryable,
        ...(details && { details }),
      },
      cause === undefined ? undefined : { cause },
    );
  }

  /** Whoever made it: a small program's error is as good as any. Subclasses have their own instances, as usual. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: it may be a subclass
    return Function.prototype[Symbol.hasInstance].call(this === ImError ? CodedError : this, value);
  }

  /**
   * An error of the application's own.
   * @param code from 1000; anything lower becomes INTERNAL
   */
  static application(code: number, name: string, options: ImErrorOptions = {}): ImError {
    return ImError.from({
      code: Number.isSafeInteger(code) && code >= FIRST_APPLICATION_CODE ? code : ERROR_CODES.INTERNAL.code,
      name,
      message: options.message ?? name,
      retryable: options.retryable ?? false,
      ...(options.details && { details: options.details }),
    });
  }

  /** Rebuilds an error from the wire. Codes of later releases keep their number, name and retryability. */
  static from(body: ErrorBody): ImError {
    return new CodedError(body);
  }

  /** Any thrown thing as an ImError: ImErrors unchanged, the rest INTERNAL with its cause kept and its text not shown. */
  static wrap(thrown: unknown): ImError {
    return thrown instanceof ImError ? thrown : new ImError('INTERNAL', { cause: thrown });
  }
}
