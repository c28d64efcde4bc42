/** `fetch` for talking to verifiers: no redirects, bounded in time and size. */
import { ImError } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import type { CancelSignal } from '@im/rpc';

export interface BoundedRequest {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly clock: Clock;
  readonly signal?: CancelSignal | undefined;
}

export interface BoundedResponse {
  readonly status: number;
  readonly text: string;
}

/** @throws ImError CANCELLED, or whatever `fetch` throws, for redirects, timeouts and answers that are too large too */
export async function boundedFetch(url: URL, request: BoundedRequest): Promise<BoundedResponse> {
  const { clock, timeoutMs, maxBytes, signal, ...init } = request;
  if (signal?.aborted) throw new ImError('CANCELLED');
  const abort = new AbortController();
  const timer = clock.after(timeoutMs, () => abort.abort(new Error(`no answer within ${timeoutMs} ms`)));
  const giveUp = (): void => abort.abort(signal?.reason);
  signal?.addEventListener('abort', giveUp);
  try {
    const response = await fetch(url, { ...init, redirect: 'error', signal: abort.signal });
    return { status: response.status, text: await boundedText(response, maxBytes) };
  } finally {
    timer.cancel();
    signal?.removeEventListener('abort', giveUp);
    // Also frees the connection when the answer was not read to its end.
    abort.abort();
  }
}

async function boundedText(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error(`the answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
