/** Pushing from a backend over HTTP: `POST /v1/push` (docs/push.md), repeated where repeating is safe. */
import { ImError } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import type { Clock } from '@im/protocol/ports';
import type { PushClient } from '../push-client.js';
import type { PushName } from '../receipt/push-receipts.js';
import { type AttemptOptions, type RepeatingOptions, RepeatingRoute } from '../repeating-route.js';
import { RoutedPushClient } from '../routed-push-client.js';
import { parseAnswer, parseReceipt } from '../wire.js';
import { askEndpoint } from './ask-endpoint.js';

export interface HttpPushClientOptions extends RepeatingOptions {
  /** Of the endpoint: `https://im.example.com/v1/push`. */
  readonly url: string;
  readonly token: string;
  /** Pushes reach this product alone. Without: those that belong to none, or the one a push names. */
  readonly product?: string | undefined;
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Of one attempt. Default 5,000. */
  readonly timeoutMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * Retryable errors are retried with growing, jittered delays. On the priority lane a message without id is given one,
 * so that repeating it is always safe, as it is for a sum with an id; else on the normal lane only errors that say that
 * nothing was taken are retried, for there a repetition could be seen twice. What `toUsers` failed for some users is told and not retried.
 * @throws ImError INVALID_ARGUMENT for a url, token or product that cannot be used
 */
export function createHttpPushClient(options: HttpPushClientOptions): PushClient {
  checkUrl(options.url);
  if (!/^[\x21-\x7e]+$/.test(options.token)) throw new ImError('INVALID_ARGUMENT', { details: { argument: 'token' } });
  const { url, token, fetch = globalThis.fetch, timeoutMs = 5_000, clock = systemClock } = options;
  const common = { token, fetch, timeoutMs, clock };
  const push = (body: string, { closing }: AttemptOptions) =>
    askEndpoint({ url, body }, { ...common, closing, parse: parseAnswer });
  const receiptOf = ({ id, product }: PushName, { closing }: AttemptOptions) => {
    // Beside the other: `/v1/receipts`.
    const receipts = new URL('receipts', url);
    receipts.search = new URLSearchParams({ id, ...(product !== undefined && { product }) }).toString();
    return askEndpoint({ url: receipts.href }, { ...common, closing, parse: parseReceipt });
  };
  const route = new RepeatingRoute({ ...options, clock, push, receiptOf });
  return new RoutedPushClient(route, { clock, product: options.product });
}

function checkUrl(url: string): void {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return;
  throw new ImError('INVALID_ARGUMENT', { message: `not a http url: ${url}`, details: { argument: 'url' } });
}
