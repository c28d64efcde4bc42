/** Pushing from a backend by RPC, to whoever serves `servePush`; repeated where repeating is safe. */
import { ImError } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import type { Clock } from '@im/protocol/ports';
import type { RpcCaller } from '@im/rpc';
import { type Attempt, NOTHING_TAKEN } from '../attempt.js';
import type { PushClient } from '../push-client.js';
import { type AttemptOptions, type RepeatingOptions, RepeatingRoute } from '../repeating-route.js';
import { RoutedPushClient } from '../routed-push-client.js';
import { parseAnswer, parseReceipt } from '../wire.js';
import { PUSH_METHOD, PUSH_SERVICE, RECEIPT_METHOD } from './push-service.js';

export interface RpcPushClientOptions extends RepeatingOptions {
  /** Stays the caller's own: closing the client leaves it open. */
  readonly caller: RpcCaller;
  /** Pushes reach this product alone. Without: those that belong to none, or the one a push names. */
  readonly product?: string | undefined;
  /** Of one attempt. Default 5,000. */
  readonly timeoutMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

interface Ask<Result> {
  readonly method: string;
  /** JSON. */
  readonly input: string;
  /** Undefined for what is no answer. */
  readonly parse: (text: string) => Result | ImError | undefined;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Retryable errors are retried as those over HTTP are.
 * @throws ImError INVALID_ARGUMENT for a product outside the grammar
 */
export function createRpcPushClient(options: RpcPushClientOptions): PushClient {
  const { caller, timeoutMs = 5_000, clock = systemClock } = options;

  async function attempt<Result extends object>(
    { method, input, parse }: Ask<Result>,
    { isRepeatable, closing }: AttemptOptions,
  ): Promise<Attempt<Result>> {
    try {
      const terms = { timeoutMs, idempotent: isRepeatable, signal: closing };
      const reply = await caller.call(PUSH_SERVICE, method, encoder.encode(input), terms);
      const answer = parse(decoder.decode(reply.body));
      if (answer === undefined || answer instanceof ImError) throw new ImError('INVALID_OUTPUT');
      return { result: answer };
    } catch (thrown) {
      const error = closing.aborted ? new ImError('CLOSED') : ImError.wrap(thrown);
      const nothingTaken = NOTHING_TAKEN.has(error.name) || error.details?.handedOut === false;
      return { error, nothingTaken, retryAfterMs: 0 };
    }
  }
  const route = new RepeatingRoute({
    ...{ ...options, clock },
    push: (input, terms) => attempt({ method: PUSH_METHOD, input, parse: parseAnswer }, terms),
    receiptOf: (name, terms) =>
      attempt({ method: RECEIPT_METHOD, input: JSON.stringify(name), parse: parseReceipt }, terms),
  });
  return new RoutedPushClient(route, { clock, product: options.product });
}
