/**
 * A way over a network: pushes as the JSON of docs/push.md, repeated where repeating is safe. Owns repetition and how many
 * are on their way; must not know what carries them.
 */
import { setMaxListeners } from 'node:events';
import type { PublishedMany } from '@im/broadcast';
import { ImError, type Publication } from '@im/protocol';
import type { Clock, Random } from '@im/protocol/ports';
import type { Attempt } from './attempt.js';
import type { PushRoute, RouteOptions } from './routed-push-client.js';
import type { Target } from './target.js';
import { encodePush } from './wire.js';

export interface RepeatingOptions {
  /** Attempts after the first. Default 3. */
  readonly retries?: number | undefined;
  /** Pushes on their way; beyond it they are refused with QUEUE_FULL. Default 1,000. */
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
  readonly attempt: (body: string, options: AttemptOptions) => Promise<Attempt>;
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
  readonly #pending = new Set<Promise<PublishedMany>>();

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

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#pending);
  }

  async #push(to: Target, publication: Publication, options: RouteOptions): Promise<PublishedMany> {
    if (this.#pending.size >= this.#maxPending) throw new ImError('QUEUE_FULL');
    const push = this.#persist(encodePush(to, publication, options), isRepeatable(publication));
    this.#pending.add(push);
    try {
      return await push;
    } finally {
      this.#pending.delete(push);
    }
  }

  async #persist(body: string, isRepeatable: boolean): Promise<PublishedMany> {
    for (let retry = 0; ; retry++) {
      const attempt = await this.#options.attempt(body, { isRepeatable, closing: this.#closing.signal });
      if ('result' in attempt) return attempt.result;
      const { error, nothingTaken, retryAfterMs } = attempt;
      if (!error.retryable || !(isRepeatable || nothingTaken) || retry >= this.#retries) throw error;
      await this.#pause(Math.max(this.#backoffMs(retry), Math.min(retryAfterMs, MAX_RETRY_AFTER_MS)));
    }
  }

  #backoffMs(retry: number): number {
    return Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS + this.#random() * MIN_BACKOFF_MS * 2 ** retry);
  }

  #pause(delayMs: number): Promise<void> {
    const closing = this.#closing.signal;
    return new Promise((resolve, reject) => {
      const timer = this.#options.clock.after(delayMs, () => {
        closing.removeEventListener('abort', stop);
        resolve();
      });
      function stop(): void {
        timer.cancel();
        reject(new ImError('CLOSED'));
      }
      closing.addEventListener('abort', stop, { once: true });
      if (closing.aborted) stop();
    });
  }
}
