/** What the address balancer answers to clients. */
import type { Random, Topology } from '@im/protocol/ports';
import { chooseGateways } from './choose-gateways.js';

/** How long to wait before the next attempt, as PR-122 says of clients: it doubles, partly at random, up to `maxMs`. */
export interface BackoffPolicy {
  readonly minMs: number;
  readonly maxMs: number;
}

export interface Route {
  /** WebSocket URLs, to be tried in this order. */
  readonly addresses: readonly string[];
  readonly backoff: BackoffPolicy;
  /** How long the order is worth keeping; then ask again before connecting. */
  readonly maxAgeMs: number;
}

const ADDRESSES = 3;
const MAX_AGE_MS = 30_000;
const BACKOFF: BackoffPolicy = { minMs: 500, maxMs: 30_000 };

export interface RouteOptions {
  readonly random: Random;
  readonly prefer?: Readonly<Record<string, string>>;
}

/** @returns undefined when no gateway takes clients */
export function routeClient(topology: Topology, { random, prefer }: RouteOptions): Route | undefined {
  const addresses = chooseGateways(topology, { random, count: ADDRESSES, ...(prefer && { prefer }) });
  return addresses.length === 0 ? undefined : { addresses, backoff: BACKOFF, maxAgeMs: MAX_AGE_MS };
}
