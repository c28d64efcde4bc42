/** One request to a push endpoint over HTTP, and what its outcome means. */
import { ImError } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import { type Attempt, type FailedAttempt, NOTHING_TAKEN } from '../attempt.js';

export interface EndpointRequest {
  readonly url: string;
  /** Of a `POST`; without one it is a `GET`. */
  readonly body?: string;
}

export interface AskOptions<Result> {
  /** Undefined for what is no answer of an endpoint. */
  readonly parse: (text: string) => Result | ImError | undefined;
  readonly token: string;
  readonly fetch: typeof globalThis.fetch;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Aborts when the client closes. */
  readonly closing: AbortSignal;
}

/** Answers are read as far as this: ten thousand users with an error each are below it. */
const MAX_ANSWER_BYTES = 16_777_216;

/** Never rejects. */
export async function askEndpoint<Result extends object>(
  { url, body }: EndpointRequest,
  options: AskOptions<Result>,
): Promise<Attempt<Result>> {
  const { parse, token, fetch, timeoutMs, clock, closing } = options;
  const controller = new AbortController();
  const abort = () => controller.abort();
  let timedOut = false;
  const timer = clock.after(timeoutMs, () => {
    timedOut = true;
    abort();
  });
  closing.addEventListener('abort', abort);
  try {
    const response = await fetch(url, {
      ...(body === undefined ? { method: 'GET' } : { method: 'POST', body }),
      headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
      // The token is not for whoever a redirect names.
      redirect: 'manual',
      signal: controller.signal,
    });
    return attemptOf(response, parse(await boundedText(response)));
  } catch (cause) {
    if (closing.aborted) return failed(new ImError('CLOSED'));
    return failed(new ImError(timedOut ? 'TIMEOUT' : 'DISCONNECTED', { cause }));
  } finally {
    timer.cancel();
    closing.removeEventListener('abort', abort);
    // Frees the connection of an answer that was not read to its end.
    abort();
  }
}

/** @throws Error beyond {@link MAX_ANSWER_BYTES} */
async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`the answer is larger than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function attemptOf<Result extends object>(
  { status, headers }: Response,
  answer: Result | ImError | undefined,
): Attempt<Result> {
  if (answer === undefined) return failed(foreignAnswer(status));
  if (!(answer instanceof ImError)) return { result: answer };
  const retryAfterSeconds = Number(headers.get('retry-after') ?? 0);
  return {
    error: answer,
    nothingTaken: NOTHING_TAKEN.has(answer.name),
    retryAfterMs: retryAfterSeconds > 0 ? retryAfterSeconds * 1_000 : 0,
  };
}

/** Something between here and the endpoint answered, or the url is wrong. */
function foreignAnswer(status: number): ImError {
  if (status === 401 || status === 403) return new ImError('UNAUTHORIZED');
  if (status === 413) return new ImError('BODY_TOO_LARGE');
  if (status === 408 || status === 429 || status >= 500) {
    return new ImError('DISCONNECTED', { details: { status } });
  }
  return new ImError('INVALID_ARGUMENT', {
    message: `no push endpoint answers at the url: HTTP ${status}`,
    details: { argument: 'url', status },
  });
}

function failed(error: ImError): FailedAttempt {
  return { error, nothingTaken: false, retryAfterMs: 0 };
}
