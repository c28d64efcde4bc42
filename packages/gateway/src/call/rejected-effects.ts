/** Tells workers that effects of theirs were not carried out: their own idea of who is where may need correcting. */
import type { Effect } from '@im/protocol';
import { ImError } from '@im/protocol';
import type { Session } from '../session/session.js';
import type { Surroundings } from '../surroundings.js';

/** Method of the same service that is called; a service without it does not care. Clients cannot call it (PR-50). */
export const EFFECTS_REJECTED_METHOD = '$effectsRejected';

export type RejectionReason = 'overtaken' | 'cancelled' | 'timed-out' | 'disconnected' | 'too-many-groups';

/** The body of the call, as JSON. */
export interface EffectsRejected {
  /** The method whose reply had the effects. */
  readonly method: string;
  readonly user: string;
  readonly product?: string;
  readonly session: string;
  readonly effects: readonly Effect[];
  readonly reason: RejectionReason;
}

const TIMEOUT_MS = 5_000;

export function tellRejected(
  { service, method }: { service: string; method: string },
  effects: readonly Effect[],
  reason: RejectionReason,
  { id, identity }: Session,
  { rpc, logger, metrics }: Surroundings,
): void {
  if (effects.length === 0) return;
  metrics.effectsRejected[reason].add(effects.length);
  const { user, product } = identity;
  const rejected: EffectsRejected = {
    method,
    user,
    ...(product !== undefined && { product }),
    session: id,
    effects,
    reason,
  };
  const body = Buffer.from(JSON.stringify(rejected), 'utf8');
  rpc.call(service, EFFECTS_REJECTED_METHOD, body, { timeoutMs: TIMEOUT_MS }).catch((thrown: unknown) => {
    const error = ImError.wrap(thrown);
    if (error.name !== 'METHOD_UNKNOWN')
      logger.warn('a worker could not be told of rejected effects', { service, error });
  });
}
