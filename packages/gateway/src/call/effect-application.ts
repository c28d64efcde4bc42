/**
 * Carries out the effects of an answered call on its session, and says which did not take hold. Must not know how calls travel.
 *
 * Removals come first, each on record before it holds, and whatever becomes of the rest: a group that a reply both removes from and
 * joins is not joined.
 */
import { type Effect, ImError, type Positions } from '@im/protocol';
import { removeCaller } from '../session/kick.js';
import type { Session } from '../session/session.js';
import type { Surroundings } from '../surroundings.js';
import type { RejectionReason } from './rejected-effects.js';

export interface EffectfulCall {
  readonly sequence: number;
  /** What the client has seen of groups it was in before (PR-98). */
  readonly since: Positions | undefined;
  /** In monotonic milliseconds: the client has its answer by then (PR-53). */
  readonly deadline: number;
}

type Kick = Extract<Effect, { type: 'kick' }>;
type Lasting = Exclude<Effect, Kick>;

/** What became of the effects of a call. */
export class EffectsOutcome {
  /** Those that did not take hold, by reason. */
  readonly rejected = new Map<RejectionReason, Effect[]>();
  /** What the call is answered with instead of its reply. */
  error: ImError | undefined;

  reject(effect: Effect, reason: RejectionReason): void {
    const others = this.rejected.get(reason);
    if (others) others.push(effect);
    else this.rejected.set(reason, [effect]);
  }
}

/**
 * Settles when everything that belongs before the answer was sent (PR-64), at the deadline at the latest: joins that have not
 * begun by then are given up, those that have stay (PR-72).
 * @throws ImError INTERNAL: then nothing but removals was carried out
 */
export async function applyEffects(
  effects: readonly Effect[],
  call: EffectfulCall,
  session: Session,
  surroundings: Surroundings,
): Promise<EffectsOutcome> {
  const outcome = new EffectsOutcome();
  const kicks = effects.filter((effect) => effect.type === 'kick');
  if (kicks.length > 0) await remove(kicks, call, session, surroundings, outcome);
  const rest = effects.filter((effect) => effect.type !== 'kick');
  const obstacle = findObstacle(rest, call, session, surroundings);
  if (obstacle) {
    for (const effect of rest) outcome.reject(effect, obstacle.reason);
    outcome.error = obstacle.error;
    return outcome;
  }
  checkAttributes(rest, session);
  const entering: Promise<void>[] = [];
  for (const effect of rest) {
    if (!session.order.accept(orderedBy(effect), call.sequence)) outcome.reject(effect, 'overtaken');
    else if (effect.type === 'join') entering.push(join(effect, call, session, surroundings, outcome));
    else if (effect.type === 'leave') session.memberships.leave(effect.group, 0, 'left');
    else session.setAttributes(effect.attributes);
  }
  await Promise.all(entering);
  return outcome;
}

async function remove(
  kicks: readonly Kick[],
  { sequence, deadline }: EffectfulCall,
  session: Session,
  surroundings: Surroundings,
  outcome: EffectsOutcome,
): Promise<void> {
  const { clock, settings } = surroundings;
  const timeoutMs = Math.min(settings.storeTimeoutMs, deadline - clock.monotonic());
  const removing: Promise<void>[] = [];
  for (const kick of kicks) {
    const inTime = kick.group === undefined || session.order.isInTime(kick.group, sequence);
    if (inTime) removing.push(removeCaller(kick, session, surroundings, timeoutMs));
    else outcome.reject(kick, 'overtaken');
  }
  await Promise.all(removing);
}

async function join(
  effect: Extract<Effect, { type: 'join' }>,
  { since, deadline }: EffectfulCall,
  { memberships }: Session,
  { clock }: Surroundings,
  outcome: EffectsOutcome,
): Promise<void> {
  const { group, after } = effect;
  const entry = await memberships.enter(group, since?.[group], deadline - clock.monotonic(), after);
  if (entry === 'out') outcome.reject(effect, memberships.closed ? 'disconnected' : 'overtaken');
  if (entry === 'late') outcome.reject(effect, 'timed-out');
  if (entry === 'late' || entry === 'replaying') outcome.error = deadlineExceeded();
}

/** Why none of the effects is carried out. */
function findObstacle(
  effects: readonly Lasting[],
  { sequence, deadline }: EffectfulCall,
  session: Session,
  { clock, limits }: Surroundings,
): { reason: RejectionReason; error: ImError | undefined } | undefined {
  if (session.memberships.closed) return { reason: 'disconnected', error: undefined };
  if (clock.monotonic() >= deadline) return { reason: 'timed-out', error: deadlineExceeded() };
  if (mostGroups(effects, sequence, session) <= limits.groups) return undefined;
  return { reason: 'too-many-groups', error: new ImError('TOO_MANY_GROUPS') };
}

/** PR-67: in how many groups the session would be when most are joined, the effects being carried out in their order. */
function mostGroups(effects: readonly Lasting[], sequence: number, { memberships, order }: Session): number {
  const changed = new Map<string, boolean>();
  let size = memberships.size;
  let most = 0;
  for (const effect of effects) {
    if (effect.type === 'set' || !order.isInTime(effect.group, sequence)) continue;
    const isIn = effect.type === 'join';
    if (isIn === (changed.get(effect.group) ?? memberships.has(effect.group))) continue;
    changed.set(effect.group, isIn);
    size += isIn ? 1 : -1;
    if (isIn) most = Math.max(most, size);
  }
  return most;
}

/** Attributes travel in tickets and with every call. */
function checkAttributes(effects: readonly Lasting[], session: Session): void {
  const changes = effects.flatMap((effect) => (effect.type === 'set' ? [effect.attributes] : []));
  if (changes.length === 0 || session.hasRoomFor(Object.assign({}, ...changes))) return;
  throw new ImError('INTERNAL', { cause: new RangeError('the attributes grow too large') });
}

/** Effects on one of these are ordered by their calls. */
function orderedBy(effect: Lasting): string {
  return effect.type === 'set' ? '=attributes' : effect.group;
}

function deadlineExceeded(): ImError {
  return new ImError('DEADLINE_EXCEEDED', { details: { handedOut: true } });
}
