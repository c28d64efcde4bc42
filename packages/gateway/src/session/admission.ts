/**
 * From a hello to an open session: verify the token, find what is resumed, apply removals, enter the groups. Decides who is let
 * in; what the client is told is connection.ts' business.
 */
import { randomBytes } from 'node:crypto';
import {
  type CloseName,
  ERROR_CODES,
  EVERYONE,
  type Hello,
  ImError,
  isName,
  isProduct,
  type JoinedGroup,
  type LeftGroup,
  userGroup,
} from '@im/protocol';
import type { CancelSignal } from '@im/rpc';
import type { Memberships } from '../membership/memberships.js';
import { withPatience } from '../patience.js';
import type { Surroundings } from '../surroundings.js';
import type { Identity } from '../verifier/token-verifier.js';
import { type Kick, kicksSince } from './removals.js';
import { Session, type SessionHolder } from './session.js';
import type { SessionSnapshot } from './session-snapshot.js';
import { announceTakeover } from './takeover.js';

export interface Applicant {
  readonly hello: Hello;
  readonly address: string;
  readonly holder: SessionHolder;
  /** Aborts when the connection is gone. */
  readonly signal: CancelSignal;
  /** The session exists and hears of removals; from here on the holder must release it, and no longer one it was told of before. */
  onSession(session: Session): void;
}

export interface Admitted {
  readonly session: Session;
  readonly resumed: boolean;
  readonly groups: readonly JoinedGroup[];
  readonly left: readonly LeftGroup[];
  /** Sends what was missed and goes live; call once the welcome was sent. */
  follow(): Promise<void>;
}

/** Why somebody is not let in: what hello is answered with, and how the connection is closed. */
export class Refusal {
  constructor(
    readonly error: ImError,
    readonly close: CloseName,
    readonly detail?: string,
  ) {}
}

/** As JSON, in bytes of UTF-8: claims travel with every call, in headers that are bounded. */
const MAX_CLAIMS_BYTES = 2_048;
const NOTHING_PROVEN = 'removals since then are unknown: enter it again';
const REMOVED_MEANWHILE = { code: ERROR_CODES.KICKED.code, reason: 'removed' };

/** Never throws. Undefined when the connection is gone. */
export async function admit(applicant: Applicant, surroundings: Surroundings): Promise<Admitted | Refusal | undefined> {
  const { hello, signal } = applicant;
  const { clock, settings, logger } = surroundings;
  const identity = await verify(applicant, surroundings);
  if (signal.aborted) return undefined;
  if (identity instanceof Refusal) return identity;
  const snapshot = findSnapshot(hello, identity, surroundings);
  if (snapshot instanceof Refusal) return snapshot;
  try {
    const opening = open(applicant, identity, snapshot, surroundings);
    return await withPatience(opening, { clock, timeoutMs: settings.welcomeTimeoutMs, signal });
  } catch (thrown) {
    if (signal.aborted) return undefined;
    logger.error('a hello could not be carried out', { error: thrown });
    // PR-43
    return new Refusal(new ImError('STORE_UNAVAILABLE'), 'TRY_AGAIN_LATER', 'groups cannot be entered now');
  }
}

async function open(
  applicant: Applicant,
  identity: Identity,
  snapshot: SessionSnapshot | undefined,
  surroundings: Surroundings,
): Promise<Admitted | Refusal | undefined> {
  const { hello, signal } = applicant;
  const before = begin(applicant, identity, snapshot, surroundings);
  if (snapshot) announceTakeover(before, surroundings);

  // Everything is entered at once, so that a removal that comes from now on finds the group there to be left.
  const { memberships } = before;
  const permanent = [userGroup(identity.user), EVERYONE];
  const restoration = memberships.restore(permanent, snapshot?.groups ?? [], hello.positions, snapshot?.shownAfter);
  const kicks = snapshot && (await findKicks(snapshot, before, surroundings));
  if (signal.aborted) return undefined;
  const out = kicks?.find(({ group }) => group === undefined);
  if (out) {
    surroundings.sessions.remove(before);
    const details = { code: out.code, reason: out.reason };
    return new Refusal(new ImError('KICKED', { details }), 'REMOVED', out.reason);
  }
  for (const group of snapshot?.groups ?? []) {
    if (!kicks || kicks.some((kick) => kick.group === group)) memberships.leave(group, 0, '');
  }
  const resumed = kicks !== undefined;
  const session = snapshot && !resumed ? startAnew(before, applicant, surroundings) : before;
  await restoration.located;
  if (signal.aborted) return undefined;
  const groups = restoration.establish();
  session.establish();
  const left = leftGroups(snapshot, groups, kicks);
  return { session, resumed, groups, left, follow: () => restoration.follow(resumed) };
}

/** The session of the snapshot goes on, or a new one begins. */
function begin(
  applicant: Applicant,
  identity: Identity,
  snapshot: SessionSnapshot | undefined,
  surroundings: Surroundings,
  memberships?: Memberships,
): Session {
  const { hello, holder, address } = applicant;
  const session = new Session({
    id: snapshot?.session ?? `s_${randomBytes(12).toString('base64url')}`,
    identity,
    device: hello.device,
    platform: hello.platform,
    address,
    holder,
    snapshot,
    ...(memberships && { memberships }),
    surroundings,
  });
  surroundings.sessions.hold(session);
  applicant.onSession(session);
  return session;
}

/** PR-93: what was to be resumed cannot be proven, so nothing of it goes on: not its id, nor its attributes. */
function startAnew(unproven: Session, applicant: Applicant, surroundings: Surroundings): Session {
  surroundings.sessions.release(unproven, undefined);
  return begin(applicant, unproven.identity, undefined, surroundings, unproven.memberships);
}

async function verify(applicant: Applicant, surroundings: Surroundings): Promise<Identity | Refusal> {
  const { hello, address, signal } = applicant;
  const { verifier, clock, settings, logger } = surroundings;
  const source = { address, device: hello.device, platform: hello.platform };
  try {
    const verifying = verifier.verify(hello.token, source, signal);
    const identity = await withPatience(verifying, { clock, timeoutMs: settings.verifyTimeoutMs, signal });
    if (!isIdentity(identity)) throw new ImError('VERIFIER_UNAVAILABLE', { message: 'the verifier answered nonsense' });
    if (identity.expiresAt !== undefined && identity.expiresAt <= clock.now()) throw new ImError('TOKEN_EXPIRED');
    return identity;
  } catch (thrown) {
    const error = ImError.wrap(thrown);
    if (error.name === 'UNAUTHORIZED') return new Refusal(error, 'UNAUTHORIZED');
    if (error.name === 'TOKEN_EXPIRED') return new Refusal(error, 'TOKEN_EXPIRED');
    if (!signal.aborted) logger.warn('token could not be verified', { error });
    return new Refusal(new ImError('VERIFIER_UNAVAILABLE'), 'VERIFIER_UNAVAILABLE');
  }
}

function isIdentity(value: Identity): boolean {
  return (
    typeof value === 'object' &&
    typeof value.user === 'string' &&
    isName(value.user) &&
    (value.product === undefined || (typeof value.product === 'string' && isProduct(value.product))) &&
    (value.expiresAt === undefined || Number.isFinite(value.expiresAt)) &&
    typeof value.claims === 'object' &&
    value.claims !== null &&
    !Array.isArray(value.claims) &&
    Buffer.byteLength(JSON.stringify(value.claims)) <= MAX_CLAIMS_BYTES
  );
}

/** The session that the ticket proves, from here if it still lives here (it knows better), else from the ticket. */
function findSnapshot(
  hello: Hello,
  { user, product }: Identity,
  surroundings: Surroundings,
): SessionSnapshot | Refusal | undefined {
  const { tickets, sessions, clock } = surroundings;
  const proven = hello.ticket === undefined ? undefined : tickets.open(hello.ticket, clock.now());
  if (!proven || proven.user !== user || proven.device !== hello.device || proven.product !== product) return undefined;
  if (sessions.wasRemoved(proven.session)) return new Refusal(new ImError('KICKED'), 'REMOVED');
  sessions.holding(proven.session)?.holder.close('SESSION_TAKEN_OVER');
  const kept = sessions.take(proven.session);
  return kept && kept.sequence >= proven.sequence ? kept : proven;
}

async function findKicks(
  snapshot: SessionSnapshot,
  session: Session,
  { feeds, log }: Surroundings,
): Promise<Kick[] | undefined> {
  const feed = feeds.get(session.userGroup);
  if (!feed) return undefined;
  await feed.ready;
  const kicks = await kicksSince(snapshot.userPosition, feed, log);
  return kicks?.filter((kick) => kick.session === undefined || kick.session === session.id);
}

/** Groups of the snapshot that were not restored. */
function leftGroups(
  snapshot: SessionSnapshot | undefined,
  restored: readonly JoinedGroup[],
  kicks: readonly Kick[] | undefined,
): LeftGroup[] {
  const missing = snapshot?.groups.filter((group) => !restored.some((each) => each.group === group)) ?? [];
  return missing.map((group) => {
    if (!kicks) return { group, code: ERROR_CODES.NOT_A_MEMBER.code, reason: NOTHING_PROVEN };
    const { code, reason } = kicks.filter((kick) => kick.group === group).at(-1) ?? REMOVED_MEANWHILE;
    return { group, code, reason };
  });
}
