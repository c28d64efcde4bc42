/**
 * What an error of this system is, apart from the registry of all of them: for programs that must stay small. Whoever
 * has the registry at hand throws `ImError`, which is one of these.
 */

export type ErrorDetails = Readonly<Record<string, unknown>>;

/** An error as it travels: in `error` messages, RPC replies and HTTP answers. */
export interface ErrorBody {
  readonly code: number;
  readonly name: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly details?: ErrorDetails;
}

export class CodedError extends Error {
  /** Numeric code of docs/errors.md, or the application's own from 1000. */
  declare readonly code: number;
  /** Whether trying again, unchanged, may succeed. */
  declare readonly retryable: boolean;
  declare readonly details: ErrorDetails | undefined;

  /** @param options its cause, which never travels */
  constructor({ code, name, message, retryable, details }: ErrorBody, options?: { readonly cause: unknown }) {
    super(message, options);
    this.name = name;
    this.code = code;
    this.retryable = retryable;
    this.details = details;
  }

  /** What may travel: no stack, no cause. */
  toBody(): ErrorBody {
    const { code, name, message, retryable, details } = this;
    return { code, name, message, retryable, ...(details && { details }) };
  }
}
