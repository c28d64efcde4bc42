/** The one error type of every @im package. */
import { ERROR_CODES, type ErrorName, errorName, FIRST_APPLICATION_CODE } from './error-codes.js';

export type ErrorDetails = Readonly<Record<string, unknown>>;

/** An error as it travels: in `error` messages, RPC replies and HTTP answers. */
export interface ErrorBody {
  readonly code: number;
  readonly name: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly details?: ErrorDetails;
}

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

export class ImError extends Error {
  /** Numeric code of docs/errors.md, or the application's own from 1000. */
  readonly code: number;
  /** Whether trying again, unchanged, may succeed. */
  readonly retryable: boolean;
  readonly details: ErrorDetails | undefined;

  constructor(name: ErrorName, options: ImErrorOptions = {}) {
    const definition = ERROR_CODES[name];
    super(options.message ?? definition.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = name;
    this.code = definition.code;
    this.retryable = options.retryable ?? definition.retryable;
    this.details = options.details;
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
    const error = new ImError(errorName(body.code) ?? 'INTERNAL', {
      message: body.message,
      details: body.details,
      retryable: body.retryable,
    });
    Object.assign(error, { code: body.code, name: body.name });
    return error;
  }

  /** Any thrown thing as an ImError: ImErrors unchanged, the rest INTERNAL with its cause kept and its text not shown. */
  static wrap(thrown: unknown): ImError {
    return thrown instanceof ImError ? thrown : new ImError('INTERNAL', { cause: thrown });
  }

  /** What may travel: no stack, no cause. */
  toBody(): ErrorBody {
    return {
      code: this.code,
      name: this.name,
      message: this.message,
      retryable: this.retryable,
      ...(this.details && { details: this.details }),
    };
  }
}
