/**
 * Carries out the effects of an answered call on its session, and says which came too late. Must not know how calls travel.
 */
import { type Effect, ImError, KICK_EVENT, type Positions } from '@im/protocol';
import type { Kick } from '../session/removals.js';
import type { Session } from '../session/session.js';
import type { Surroundings } from '../surroundings.js';

export interface EffectfulCall {
  readonly sequence: number;
  /** What the client has seen of groups it was in before (PR-98). */
  readonly since: Positions | undefined;
}

/**
 * Settles when everything that belongs before the reply was sent (PR-64).
 * @returns the effects that were overtaken by a later call or a removal
 * @throws ImError TOO_MANY_GROUPS, INTERNAL: then nothing was carried out
 */
export async function applyEffects(
  effects: readonly Effect[],
  call: EffectfulCall,
  session: Session,
  surroundings: Surroundings,
): Promise<Effect[]> {
  checkGroups(effects, session, surroundings.limits.groups);
  checkAttributes(effects, session);
  const overtaken: Effect[] = [];
  const entering: Promise<void>[] = [];
  for (const effect of effects) {
    if (!isInTime(effect, call, session)) {
      overtaken.push(effect);
    } else if (effect.type === 'join') {
      const entered = session.memberships.enter(effect.group, call.since?.[effect.group]);
      entering.push(entered.then((joined) => void (joined || overtaken.push(effect))));
    } else {
      applyAtOnce(effect, session, surroundings);
    }
  }
  await Promise.all(entering);
  return overtaken;
}

/** A removal by the server, from wherever it came (PR-70). */
export function applyKick({ group, code, reason }: Omit<Kick, 'type'>, session: Session): void {
  if (group === undefined) {
    session.holder.close('REMOVED', reason);
  } else {
    session.order.removed(group, session.sequence);
    session.memberships.leave(group, code, reason);
  }
}

function applyAtOnce(effect: Exclude<Effect, { type: 'join' }>, session: Session, surroundings: Surroundings): void {
  switch (effect.type) {
    case 'leave':
      session.memberships.leave(effect.group, 0, 'left');
      break;
    case 'set':
      session.setAttributes(effect.attributes);
      break;
    case 'kick':
      recordKick(effect, session, surroundings);
      applyKick(effect, session);
  }
}

/** Tickets from before the removal must not bring the session back (PR-92): the log of `u:` holds it against them. */
function recordKick(kick: Kick, session: Session, { publisher, clock, logger }: Surroundings): void {
  const body = Buffer.from(JSON.stringify({ ...kick, session: session.id }), 'utf8');
  const publication = { lane: 'priority', event: KICK_EVENT, body, time: clock.now() } as const;
  publisher
    .publish(session.userGroup, publication, { acknowledge: 'durable' })
    .catch((error: unknown) => logger.error('a removal could not be recorded', { user: session.identity.user, error }));
}

function isInTime(effect: Effect, { sequence }: EffectfulCall, session: Session): boolean {
  switch (effect.type) {
    case 'join':
    case 'leave':
      return session.order.accept(effect.group, sequence);
    case 'kick':
      return effect.group === undefined || session.order.accept(effect.group, sequence);
    case 'set':
      return session.order.accept('=attributes', sequence);
  }
}

/** PR-67 */
function checkGroups(effects: readonly Effect[], { memberships }: Session, limit: number): void {
  const joining = new Set<string>();
  for (const effect of effects) {
    if (effect.type === 'join' && !memberships.has(effect.group)) joining.add(effect.group);
    if (effect.type === 'leave') joining.delete(effect.group);
  }
  if (memberships.size + joining.size > limit && joining.size > 0) throw new ImError('TOO_MANY_GROUPS');
}

/** Attributes travel in tickets and with every call. */
function checkAttributes(effects: readonly Effect[], session: Session): void {
  const changes = effects.flatMap((effect) => (effect.type === 'set' ? [effect.attributes] : []));
  if (changes.length === 0 || session.hasRoomFor(Object.assign({}, ...changes))) return;
  throw new ImError('INTERNAL', { cause: new RangeError('the attributes grow too large') });
}
