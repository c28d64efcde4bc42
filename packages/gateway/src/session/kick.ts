/**
 * Removals by the server, wherever they were decided: what one does to a session, and how one that a worker decides for its caller is
 * written into the log of `u:<user>` before it takes hold. So no ticket from before it brings the session back, at any gateway (PR-92).
 */
import { type Delivery, KICK_EVENT } from '@im/protocol';
import { withPatience } from '../patience.js';
import type { Surroundings } from '../surroundings.js';
import { type Kick, readKick } from './removals.js';
import type { Session } from './session.js';
import type { SessionRegistry } from './session-registry.js';

/**
 * Removes the caller of a worker, once that is on record; one that cannot be recorded within the time holds all the same, here.
 * Never throws.
 */
export async function removeCaller(
  kick: Kick,
  session: Session,
  surroundings: Surroundings,
  timeoutMs: number,
): Promise<void> {
  const { publisher, clock, logger, sessions, incarnation } = surroundings;
  const recorded: Kick = { ...kick, session: session.id, origin: incarnation };
  const body = Buffer.from(JSON.stringify(recorded), 'utf8');
  const publication = { lane: 'priority', event: KICK_EVENT, body, time: clock.now() } as const;
  const publishing = publisher.publish(session.userGroup, publication, { acknowledge: 'durable' });
  await withPatience(publishing, { clock, timeoutMs }).catch((error: unknown) =>
    logger.error('a removal could not be recorded', { user: session.identity.user, error }),
  );
  // It may have got another connection here meanwhile.
  applyKick(kick, sessions.holding(session.id) ?? session, sessions);
}

/** A removal that came over the bus: every session of the user that is meant. What was decided here was applied here. */
export function obeyKick(delivery: Delivery, { sessions, incarnation }: Surroundings): void {
  const kick = delivery.lane === 'priority' ? readKick(delivery) : undefined;
  if (!kick || kick.origin === incarnation) return;
  for (const session of sessions.ofUser(delivery.group)) {
    if (kick.session === undefined || kick.session === session.id) applyKick(kick, session, sessions);
  }
}

/** PR-70, PR-71 */
function applyKick({ group, code, reason }: Kick, session: Session, sessions: SessionRegistry): void {
  if (group === undefined) {
    sessions.remove(session);
    session.holder.close('REMOVED', reason);
  } else {
    session.order.removed(group, session.sequence);
    session.memberships.leave(group, code, reason);
  }
}
