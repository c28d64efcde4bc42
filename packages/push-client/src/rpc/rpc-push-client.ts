/** Pushing from a backend by RPC, to whoever serves `servePush`; repeated where repeating is safe. */
import { ImError } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import type { Clock } from '@im/protocol/ports';
import type { RpcCaller } from '@im/rpc';
import { type Attempt, NOTHING_TAKEN } from '../attempt.js';
import type { PushClient } from '../push-client.js';
import { type AttemptOptions, type RepeatingOptions, RepeatingRoute } from '../repeating-route.js';
import { RoutedPushClient } from '../routed-push-client.js';
import { parseAnswer } from '../wire.js';
import { PUSH_METHOD, PUSH_SERVICE } from './push-service.js';

export interface RpcPushClientOptions extends RepeatingOptions {
  /** Stays the caller's own: closing the client leaves it open. */
  readonly caller: RpcCaller;
  /** Pushes reach this product alone. Without: those that belong to none, or the one a push names. */
  readonly product?: string | undefined;
  /** Of one attempt. Default 5,000. */
  readonly timeoutMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Retryable errors are retried as those over HTTP are.
 * @throws ImError INVALID_ARGUMENT for a product outside the grammar
 */
export function createRpcPushClient(options: RpcPushClientOptions): PushClient {
  const { caller, timeoutMs = 5_000, clock = systemClock } = options;

  async function attempt(body: string, { isRepeatable, closing }: AttemptOptions): Promise<Attempt> {
    try {
      const terms = { timeoutMs, idempotent: isRepeatable, signal: closing };
      const reply = await caller.call(PUSH_SERVICE, PUSH_METHOD, encoder.encode(body), terms);
      const answer = parseAnswer(decoder.decode(reply.body));
      if (answer === undefined || answer instanceof ImError) throw new ImError('INVALID_OUTPUT');
      return { result: answer };
    } catch (thrown) {
      const error = closing.aborted ? new ImError('CLOSED') : ImError.wrap(thrown);
      const nothingTaken = NOTHING_TAKEN.has(error.name) || error.details?.handedOut === false;
      return { error, nothingTaken, retryAfterMs: 0 };
    }
  }
  return new RoutedPushClient(new RepeatingRoute({ ...options, clock, attempt }), { clock, product: options.product });
}
