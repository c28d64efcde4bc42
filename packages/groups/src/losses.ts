/** Messages that a viewer of a group was not sent, by reason, and how they are told. Owns sums; when to tell is not its business. */
import type { Encoding } from './viewer.js';

export interface Losses {
  /** The viewer was congested. */
  pressure: number;
  /** Too much waited. */
  budget: number;
  /** Lost on their way here. */
  upstream: number;
  /** How often some were lost on their way here and nobody knows how many. */
  upstreamUnknown: number;
}

export function noLosses(): Losses {
  return { pressure: 0, budget: 0, upstream: 0, upstreamUnknown: 0 };
}

export function addLosses(to: Losses, losses: Readonly<Losses>): void {
  to.pressure += losses.pressure;
  to.budget += losses.budget;
  to.upstream += losses.upstream;
  to.upstreamUnknown += losses.upstreamUnknown;
}

/** One chunk a reason; none when nothing was lost. A sum with an unknown part is told without a count. */
export function shedChunks(encoding: Encoding, group: string, losses: Readonly<Losses>): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  if (losses.pressure > 0) chunks.push(encoding.shed({ group, count: losses.pressure, reason: 'pressure' }));
  if (losses.budget > 0) chunks.push(encoding.shed({ group, count: losses.budget, reason: 'budget' }));
  if (losses.upstreamUnknown > 0) chunks.push(encoding.shed({ group, reason: 'upstream' }));
  else if (losses.upstream > 0) chunks.push(encoding.shed({ group, count: losses.upstream, reason: 'upstream' }));
  return chunks;
}
