/** Address and token of the next attempt, from strings or from the app's functions. */
import type { Clock, Timer } from '@im/protocol/ports';
import type { ClientOptions, TokenRequest } from '../options.js';
import type { Backoff } from './backoff.js';

/** A token function that has not answered by then is asked anew. */
const TOKEN_PATIENCE_MS = 60_000;

export interface Credentials {
  address(attempt: number, signal: AbortSignal): string | Promise<string>;
  /** The token at hand or a new one. Attempts that come while one is fetched share it. */
  token(): Promise<string>;
  /** The next token shall be a new one. False when there is no way to one. */
  renew(why: TokenRequest['reason']): boolean;
  /** Stops what is being fetched. */
  abort(): void;
}

export function createCredentials(
  { url, token, reconnect }: Pick<ClientOptions, 'url' | 'token'> & { readonly reconnect: Backoff },
  clock: Clock,
): Credentials {
  /** Of the addresses: each attempt takes the next, so that a gateway that fails or drains is left. */
  let cursor = 0;
  const urls = [url].flat();
  let known: string | undefined;
  let reason: TokenRequest['reason'] = 'connect';
  let fetching: { controller: AbortController; timer: Timer; promise: Promise<string> } | undefined;

  const settle = (): void => {
    fetching?.timer.cancel();
    fetching = undefined;
  };
  const abort = (): void => {
    fetching?.controller.abort();
    settle();
  };
  const fetch = async (ask: Exclude<typeof token, string>, signal: AbortSignal): Promise<string> => {
    try {
      // In a turn of its own, so that a function that throws at once fails like one that rejects.
      const fresh = await Promise.resolve({ reason, signal }).then(ask);
      if (!signal.aborted) known = fresh;
      return fresh;
    } finally {
      if (!signal.aborted) settle();
    }
  };

  return {
    address: (attempt, signal) =>
      typeof url === 'function' ? url({ attempt, signal, reconnect }) : (urls[cursor++ % urls.length] as string),
    async token() {
      if (typeof token === 'string') return token;
      if (known !== undefined) return known;
      if (!fetching) {
        const controller = new AbortController();
        fetching = {
          controller,
          timer: clock.after(TOKEN_PATIENCE_MS, abort),
          promise: fetch(token, controller.signal),
        };
      }
      return fetching.promise;
    },
    renew(why) {
      known = undefined;
      reason = why;
      return typeof token === 'function';
    },
    abort,
  };
}
