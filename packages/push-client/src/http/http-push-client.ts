/** Pushing from a backend over HTTP: `POST /v1/push` (docs/push.md), repeated where repeating is safe. */
import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { PublishedMany } from '@im/broadcast';
import { ImError, type Publication } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import type { Clock, Random } from '@im/protocol/ports';
import type { PushClient } from '../push-client.js';
import { type PushRoute, RoutedPushClient, type RouteOptions } from '../routed-push-client.js';
import type { Target } from '../target.js';
import { encodePush } from '../wire.js';
import { type PostOptions, postPush } from './post-push.js';

export interface HttpPushClientOptions {
  /** Of the endpoint: `https://im.example.com/v1/push`. */
  readonly url: string;
  readonly token: string;
  /** Pushes reach this product alone. Without: those that belong to none, or the one a push names. */
  readonly product?: string | undefined;
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Of one attempt. Default 5,000. */
  readonly timeoutMs?: number | undefined;
  /** Attempts after the first. Default 3. */
  readonly retries?: number | undefined;
  /** Pushes on their way; beyond it they are refused with QUEUE_FULL. Default 1,000. */
  readonly maxPending?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

const MIN_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5_000;
/** Endpoints that ask for a longer pause get this one. */
const MAX_RETRY_AFTER_MS = 30_000;

/**
 * Retryable errors are retried with growing, jittered delays. On the priority lane a message without id is given one,
 * so that repeating it is always safe; on the normal lane only errors that say that nothing was taken are retried, for
 * there a repetition could be seen twice. What `toUsers` failed for some users is told and not retried.
 * @throws ImError INVALID_ARGUMENT for a url, token or product that cannot be used
 */
export function createHttpPushClient(options: HttpPushClientOptions): PushClient {
  checkUrl(options.url);
  if (!/^[\x21-\x7e]+$/.test(options.token)) throw new ImError('INVALID_ARGUMENT', { details: { argument: 'token' } });
  return new RoutedPushClient(new HttpRoute(options), {
    clock: options.clock ?? systemClock,
    product: options.product,
  });
}

class HttpRoute implements PushRoute {
  readonly #post: PostOptions;
  readonly #closing = new AbortController();
  readonly #retries: number;
  readonly #maxPending: number;
  readonly #random: Random;
  readonly #pending = new Set<Promise<PublishedMany>>();

  constructor(options: HttpPushClientOptions) {
    const { url, token, fetch = globalThis.fetch, timeoutMs = 5_000, clock = systemClock } = options;
    this.#post = { url, token, fetch, timeoutMs, clock, closing: this.#closing.signal };
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
    const isPriority = publication.lane === 'priority';
    const sent = isPriority ? { ...publication, id: publication.id ?? randomUUID() } : publication;
    const push = this.#attempt(encodePush(to, sent, options), isPriority);
    this.#pending.add(push);
    try {
      return await push;
    } finally {
      this.#pending.delete(push);
    }
  }

  /** @param repeatable whether repeating is safe even if the first may have been published */
  async #attempt(body: string, repeatable: boolean): Promise<PublishedMany> {
    for (let retry = 0; ; retry++) {
      const attempt = await postPush(body, this.#post);
      if ('result' in attempt) return attempt.result;
      const { error, nothingTaken, retryAfterMs } = attempt;
      if (!error.retryable || !(repeatable || nothingTaken) || retry >= this.#retries) throw error;
      await this.#pause(Math.max(this.#backoffMs(retry), Math.min(retryAfterMs, MAX_RETRY_AFTER_MS)));
    }
  }

  #backoffMs(retry: number): number {
    return Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS + this.#random() * MIN_BACKOFF_MS * 2 ** retry);
  }

  #pause(delayMs: number): Promise<void> {
    const { clock, closing } = this.#post;
    return new Promise((resolve, reject) => {
      const timer = clock.after(delayMs, () => {
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

function checkUrl(url: string): void {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return;
  throw new ImError('INVALID_ARGUMENT', { message: `not a http url: ${url}`, details: { argument: 'url' } });
}
