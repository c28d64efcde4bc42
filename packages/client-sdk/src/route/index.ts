/**
 * Addresses from the balancer, entry point `@im/client-sdk/route`: for servers with several gateways. Owns whom to ask and
 * how long an answer holds; the client asks it for each attempt.
 */
import { systemClock } from '@im/protocol/clock';
import type { Clock } from '@im/protocol/ports';
import type { Backoff } from '../connection/backoff.js';
import { ownError } from '../errors.js';
import type { AddressRequest } from '../options.js';

export interface RouteOptions {
  /** Gateways with the same labels come first. */
  readonly region?: string;
  readonly carrier?: string;
  readonly fetch?: typeof fetch;
  readonly clock?: Clock;
}

interface Route {
  readonly addresses: readonly string[];
  /** Absent: as the client was told otherwise. */
  readonly backoff?: Backoff;
  /** By the monotonic clock: then it is asked again before connecting. */
  readonly holdsUntil: number;
}

const MAX_ADDRESSES = 16;
/** An answer is kept for no longer, whatever it says. */
const MAX_AGE_MS = 3_600_000;
/** Attempts come no faster and wait no longer, whatever it says. */
const [LEAST_DELAY_MS, MOST_DELAY_MS] = [100, 600_000];

/**
 * For `url` of the client: the balancer's addresses in its order, the next one after each failed attempt. It is asked again when its answer
 * has become old and when all addresses have failed. While no balancer answers, the last known addresses are tried again. Attempts are delayed as
 * the balancer wants, in place of the client's `reconnect`.
 * @param balancers URLs such as `https://route.example.com`; when one does not answer, the next attempt asks the next
 * @throws (the function) ImError DISCONNECTED, retryable, when no address is known
 */
export function routedBy(
  balancers: string | readonly string[],
  options: RouteOptions = {},
): (request: AddressRequest) => Promise<string> {
  const { region, carrier, fetch: ask = fetch, clock = systemClock } = options;
  const query = new URLSearchParams({ ...(region && { region }), ...(carrier && { carrier }) }).toString();
  const urls = [balancers].flat().map((base) => `${base.replace(/\/$/, '')}/v1/route${query && `?${query}`}`);
  let route: Route = { addresses: [], holdsUntil: 0 };
  let asked = 0;
  let tried = 0;

  async function askAll(signal: AbortSignal): Promise<Route | undefined> {
    for (const _ of urls) {
      const url = urls[asked++ % urls.length] as string;
      try {
        const response = await ask(url, { signal });
        const known = response.ok ? read(await response.json(), clock.monotonic()) : undefined;
        if (known) return known;
      } catch (error) {
        if (signal.aborted) throw error;
        // The next one may answer.
      }
    }
    return undefined;
  }

  return async ({ attempt, signal, reconnect }) => {
    if (attempt === 1) tried = 0;
    if (tried >= route.addresses.length || clock.monotonic() >= route.holdsUntil) {
      const answer = await askAll(signal);
      if (answer) {
        route = answer;
        tried = 0;
      }
    }
    Object.assign(reconnect, route.backoff);
    const address = route.addresses[tried++ % route.addresses.length];
    if (address === undefined) throw ownError('DISCONNECTED', { route: 'no balancer answered' });
    return address;
  };
}

/** Whatever was answered, by whomever. */
function read(answer: unknown, now: number): Route | undefined {
  const { addresses, maxAgeMs, backoff } = (answer ?? {}) as Record<string, unknown>;
  if (!Array.isArray(addresses)) return undefined;
  const known = addresses.filter((one): one is string => typeof one === 'string').slice(0, MAX_ADDRESSES);
  const ageMs = typeof maxAgeMs === 'number' && maxAgeMs > 0 ? Math.min(maxAgeMs, MAX_AGE_MS) : 0;
  return known.length > 0 ? { addresses: known, holdsUntil: now + ageMs, ...readBackoff(backoff) } : undefined;
}

function readBackoff(policy: unknown): Pick<Route, 'backoff'> {
  const { minMs, maxMs } = (policy ?? {}) as Record<string, unknown>;
  if (typeof minMs !== 'number' || typeof maxMs !== 'number') return {};
  const least = Math.max(LEAST_DELAY_MS, Math.min(minMs, MOST_DELAY_MS));
  return { backoff: { minMs: least, maxMs: Math.max(least, Math.min(maxMs, MOST_DELAY_MS)) } };
}
