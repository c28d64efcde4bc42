import type { Random } from '@im/protocol/ports';

export interface Backoff {
  minMs: number;
  maxMs: number;
}

/** PR-122: how long to wait after a failure that n others preceded, in milliseconds. */
export const backoffMs = ({ minMs, maxMs }: Backoff, n: number, random: Random): number =>
  Math.min(maxMs, minMs + random() * minMs * 2 ** Math.min(n, 30));
