/** Owns: how long to wait before a child is started again, and when to give up. Pure. */
import type { Random } from '../ports.js';

export interface RestartPolicy {
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  /** Running this long after being ready forgets earlier failures. */
  readonly stableMs: number;
  /** So many failures in a row without a stable run are the last. */
  readonly giveUpAfter: number;
}

export const DEFAULT_RESTART_POLICY: RestartPolicy = {
  minDelayMs: 100,
  maxDelayMs: 10_000,
  stableMs: 20_000,
  giveUpAfter: 10,
};

/** Doubles with each failure up to the maximum; the upper half of it is random, so that many do not return at once. @param failures from 1 */
export function restartDelay({ minDelayMs, maxDelayMs }: RestartPolicy, failures: number, random: Random): number {
  const ceiling = Math.min(maxDelayMs, minDelayMs * 2 ** (failures - 1));
  return ceiling / 2 + (random() * ceiling) / 2;
}
