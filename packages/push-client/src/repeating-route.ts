/**
 * A way over a network: pushes as the JSON of docs/push.md, repeated where repeating is safe. Owns repetition and how many
 * are on their way; must not know what carries them.
 */
import { setMaxListeners } from 'node:events';
import type { PublishedMany } from '@im/broadcast';
import { ImError, type Publication } from '@im/protocol';
import type { Clock, Random } from '@im/protocol/ports';
import type { Attempt } from './attempt.js';
import { pause } from './pause.js';
import type { PushName, ReceiptSums } from './receipt/push-receipts.js';
import type { PushRoute, RouteOptions } from './routed-push-client.js';
import type { Target } from './target.js';
import { encodePush } from './wire.js';

export interface RepeatingOptions {
  /** Attempts after the first. Default 3. */
  readonly retries?: number | undefined;
  /** Pushes and questions for receipts on their way; beyond it they are refused with QUEUE_FULL. Default 1,000. */
  readonly maxPending?: number | undefined;
  readonly random?: Random | undefined;
}

export interface AttemptOptions {
  /** Repeating is safe even if it may have been published. */
  readonly isRepeatable: boolean;
  /** Aborts when the client closes. */
  readonly closing: AbortSignal;
}

export interface RepeatingRouteOptions extends RepeatingOptions {
  /** Never rejects. */
  readonly push: (body: string, options: AttemptOptions) => Promise<Attempt<PublishedMany>>;
  /** Never rejects. */
  readonly receiptOf: (push: PushName, options: AttemptOptions) => Promise<Attempt<ReceiptSums>>;
  readonly clock: Clock;
}

const MIN_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5_000;
/** Whoever asks for a longer pause gets this one. */
const MAX_RETRY_AFTER_MS = 30_000;

/** Whether it counts once however often it is published: always on the priority lane, and a sum that has an id. */
function isRepeatable({ lane, id, terms }: Publication): boolean {
  return lane === 'priority' || (id !== undefined && terms?.conflate?.mode === 'sum');
}

export class RepeatingRoute implements PushRoute {
  readonly #options: RepeatingRouteOptions;
  readonly #closing = new AbortController();
  readonly #retries: number;
  readonly #maxPending: number;
  readonly #random: Random;
  readonly #pending = new Set<Promise<unknown>>();

  constructor(options: RepeatingRouteOptions) {
    this.#options = options;
    // Every push on its way listens; `maxPending` bounds them.
    setMaxListeners(0, this.#closing.signal);
    this.#retries = options.retries ?? 3;
    this.#maxPending = options.maxPending ?? 1_000;
    this.#random = options.random ?? Math.random;
  }

  async one(group: string, publication: Publication, options: RouteOptions) {
    const { published, failed } = await this.#push({ group }, publication, options);
    const [first] = published;
    if (first !== undefined) return first;
    throw failed.get(group) ?? new ImError('INTERNAL', { message: 'the endpoint answered for no group' });
  }

  many(groups: readonly string[], publication: Publication, options: RouteOptions) {
    return this.#push({ users: groups.map((group) => group.slice('u:'.length)) }, publication, options);
  }

  receiptOf(id: string, product: string | undefined): Promise<ReceiptSums> {
    return this.#begin(true, (options) => this.#options.receiptOf({ product, id }, options));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#pending);
  }

  #push(to: Target, publication: Publication, options: RouteOptions): Promise<PublishedMany> {
    const body = encodePush(to, publication, options);
    return this.#begin(isRepeatable(publication), (attempt) => this.#options.push(body, attempt));
  }

  async #begin<Result>(
    isRepeatable: boolean,
    attempt: (options: AttemptOptions) => Promise<Attempt<Result>>,
  ): Promise<Result> {
    if (this.#pending.size >= this.#maxPending) throw new ImError('QUEUE_FULL');
    const pending = this.#persist(isRepeatable, attempt);
    this.#pending.add(pending);
    try {
      return await pending;
    } finally {
      this.#pending.delete(pending);
    }
  }

  async #persist<Result>(
    isRepeatable: boolean,
    attempt: (options: AttemptOptions) => Promise<Attempt<Result>>,
  ): Promise<Result> {
    const closing = this.#closing.signal;
    for (let retry = 0; ; retry++) {
      const outcome = await attempt({ isRepeatable, closing });
      if ('result' in outcome) return outcome.result;
      const { error, nothingTaken, retryAfterMs } = outcome;
      if (!error.retryable || !(isRepeatable || nothingTaken) || retry >= this.#retries) throw error;
      const pauseMs = Math.max(this.#backoffMs(retry), Math.min(retryAfterMs, MAX_RETRY_AFTER_MS));
      await pause(pauseMs, this.#options.clock, closing).catch(() => {
        throw new ImError('CLOSED');
      });
    }
  }

  #backoffMs(retry: number): number {
    return Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS + this.#random() * MIN_BACKOFF_MS * 2 ** retry);
  }
}
