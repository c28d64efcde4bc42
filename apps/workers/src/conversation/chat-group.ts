/**
 * What a chat group is, and who may change what in it: records `info` and `m.<user>` of `g:<name>`. Pure: decides, and says what
 * is to be written. Every change rewrites `info`, so that of two at the same time one is decided anew. What is as it is wanted needs
 * no permission: it may be the repeat of a call by which the caller gave it away.
 */
import { ImError } from '@im/protocol';
import { applicationError } from '../application-errors.js';
import type { Person } from '../call.js';
import { MEMBERS_EVENT, type MembersData, RENAMED_EVENT, type RenamedData } from './conversation-entry.js';
import { outranks, type Role } from './role.js';

/** Changes of a group that are still to be told, before another one is made. */
export const MAX_PENDING = 4;

/** People in one chat group. */
const MAX_MEMBERS = 5_000;

export const INFO_FIELD = 'info';
export const MEMBER_PREFIX = 'm.';
export const memberField = (user: string): string => MEMBER_PREFIX + user;

export interface GroupInfo {
  readonly name: string;
  readonly count: number;
  readonly createdAt: number;
  /** What new members see of what was said before them. */
  readonly history: 'joined' | 'all';
  /** The last changes, in their order, until everybody whom they concern has been told. */
  readonly pending: readonly PendingChange[];
}

export interface GroupMember {
  readonly role: Role;
  /** Entries up to this version are not theirs to see. */
  readonly joined: number;
  readonly since: number;
  /** As they called themselves last. */
  readonly name?: string;
}

/** What a change says in the group's log. */
export type ChangeEntry =
  | { readonly event: typeof MEMBERS_EVENT; readonly data: MembersData }
  | { readonly event: typeof RENAMED_EVENT; readonly data: RenamedData };

export type PendingChange = ChangeEntry & {
  /** Message id of the entry. */
  readonly id: string;
  /** What the group is called. */
  readonly group: string;
  /** When it was written, or taken up again. Not when it was asked for: calls wait for their turn. */
  readonly written: number;
};

/** A group as a change finds it, with those members whom the change names. */
export interface GroupState {
  readonly info: GroupInfo;
  readonly members: ReadonlyMap<string, GroupMember>;
}

export interface GroupChange {
  readonly info?: Partial<GroupInfo>;
  /** Undefined: no longer a member. */
  readonly members?: ReadonlyMap<string, GroupMember | undefined>;
  readonly entry: ChangeEntry;
}

/** Who does it, and when. */
interface Act {
  readonly by: Person;
  readonly at: number;
}

export function isAdmin({ role }: GroupMember): boolean {
  return role !== 'member';
}

/** @throws ImError CONVERSATION_UNKNOWN: whoever is not in a group does not hear whether there is one */
export function actorOf(state: GroupState | undefined, { user }: Pick<Person, 'user'>): GroupMember {
  const actor = state?.members.get(user);
  if (actor === undefined) throw applicationError('CONVERSATION_UNKNOWN');
  return actor;
}

/**
 * Any member may bring in others. Those who are in it stay as they are.
 * @param head where the group's log stands
 * @throws ImError CONVERSATION_UNKNOWN, CONVERSATION_FULL
 */
export function invite(
  state: GroupState,
  { by, at }: Act,
  { users, head }: { readonly users: readonly string[]; readonly head: number },
): GroupChange | undefined {
  actorOf(state, by);
  const added = users.filter((user) => !state.members.has(user));
  if (added.length === 0) return undefined;
  const { count, history } = state.info;
  if (count + added.length > MAX_MEMBERS) throw applicationError('CONVERSATION_FULL', { max: MAX_MEMBERS });
  const joined = history === 'all' ? 0 : head;
  return {
    info: { count: count + added.length },
    members: new Map(added.map((user) => [user, { role: 'member', joined, since: at }])),
    entry: { event: MEMBERS_EVENT, data: { by, at, added } },
  };
}

/** @throws ImError CONVERSATION_UNKNOWN, FORBIDDEN */
export function remove(state: GroupState, { by, at }: Act, user: string): GroupChange | undefined {
  const actor = actorOf(state, by);
  const target = state.members.get(user);
  if (target === undefined) return undefined;
  if (!isAdmin(actor)) throw forbidden('only admins remove people');
  if (!outranks(actor.role, target.role)) throw forbidden('only the owner removes admins, and nobody the owner');
  return {
    info: { count: state.info.count - 1 },
    members: new Map([[user, undefined]]),
    entry: { event: MEMBERS_EVENT, data: { by, at, removed: [user] } },
  };
}

/**
 * @param heir who owns the group next, when its owner leaves
 * @throws ImError RECORD_CHANGED when the heir is no longer there, or is needed and was not named
 */
export function leave(state: GroupState, { by, at }: Act, heir: string | undefined): GroupChange | undefined {
  const actor = state.members.get(by.user);
  if (actor === undefined) return undefined;
  const members = new Map<string, GroupMember | undefined>([[by.user, undefined]]);
  const isLast = state.info.count === 1;
  const inherits = actor.role === 'owner' && !isLast;
  if (inherits) {
    const next = heir === undefined ? undefined : state.members.get(heir);
    if (heir === undefined || next === undefined) throw new ImError('RECORD_CHANGED');
    members.set(heir, { ...next, role: 'owner' });
  }
  return {
    info: { count: state.info.count - 1 },
    members,
    entry: { event: MEMBERS_EVENT, data: { by, at, left: by.user, ...(inherits && { owner: heir as string }) } },
  };
}

/** The owner gives roles; whoever makes another the owner is an admin from then on. @throws ImError CONVERSATION_UNKNOWN, FORBIDDEN, NOT_A_MEMBER */
export function setRole(
  state: GroupState,
  { by, at }: Act,
  { user, role }: { readonly user: string; readonly role: Role },
): GroupChange | undefined {
  const actor = actorOf(state, by);
  const target = state.members.get(user);
  if (target?.role === role) return undefined;
  if (actor.role !== 'owner') throw forbidden('only the owner gives roles');
  if (target === undefined) throw new ImError('NOT_A_MEMBER', { message: `${user} is not in this group` });
  if (user === by.user) throw forbidden('make somebody else the owner first');
  const members = new Map<string, GroupMember>([[user, { ...target, role }]]);
  if (role === 'owner') members.set(by.user, { ...actor, role: 'admin' });
  return { members, entry: { event: MEMBERS_EVENT, data: { by, at, role: { user, role } } } };
}

/** @throws ImError CONVERSATION_UNKNOWN, FORBIDDEN */
export function rename(state: GroupState, { by, at }: Act, name: string): GroupChange | undefined {
  const actor = actorOf(state, by);
  if (name === state.info.name) return undefined;
  if (!isAdmin(actor)) throw forbidden('only admins rename the group');
  return { info: { name }, entry: { event: RENAMED_EVENT, data: { by, at, name } } };
}

/** Whom a change brings in or takes out. */
export function concerned({ event, data }: ChangeEntry): { readonly users: readonly string[]; readonly isIn: boolean } {
  if (event !== MEMBERS_EVENT) return { users: [], isIn: true };
  const { added, removed, left } = data;
  if (added !== undefined) return { users: added, isIn: true };
  return { users: removed ?? (left === undefined ? [] : [left]), isIn: false };
}

function forbidden(message: string): ImError {
  return new ImError('FORBIDDEN', { message });
}
