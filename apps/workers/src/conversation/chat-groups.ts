/**
 * Owns: carrying out changes of chat groups. A change is decided on what the group's records say and written together with what is
 * to be told of it; then it is told. Should the worker die in between, the next change tells it, or {@link CutOffChanges}.
 */
import { type CallerContext, ImError } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import type { LogReader } from '@im/timeline';
import { applicationError } from '../application-errors.js';
import { groupOf, personOf } from '../call.js';
import { digest } from '../digest.js';
import type { Turns } from '../turns.js';
import type { ChangeNotices } from './change-notices.js';
import {
  actorOf,
  type GroupChange,
  type GroupInfo,
  type GroupMember,
  type GroupState,
  invite,
  leave,
  MAX_PENDING,
  type PendingChange,
} from './chat-group.js';
import { MEMBERS_EVENT } from './conversation-entry.js';
import type { CutOffChanges } from './cut-off-changes.js';
import type { GroupIndex } from './group-index.js';
import type { GroupRecords, NamedMember } from './group-records.js';
import { persistently } from './json-record.js';

const PAGE = 1_000;

export interface ChatGroupsOptions {
  readonly groups: GroupRecords;
  readonly index: GroupIndex;
  readonly notices: ChangeNotices;
  readonly cutOff: CutOffChanges;
  /** Changes of one group: those of other workers are noticed by their revisions, which costs another attempt. */
  readonly turns: Turns;
  readonly log: LogReader;
  readonly clock: Clock;
}

/** Undefined: there is nothing to change. */
type Decide = (state: GroupState) => GroupChange | undefined | Promise<GroupChange | undefined>;

/** All throw ImError as the record store and Publisher.publish do, and RECORD_CHANGED when others were faster too often. */
export class ChatGroups {
  readonly #options: ChatGroupsOptions;

  constructor(options: ChatGroupsOptions) {
    this.#options = options;
  }

  /** @throws ImError CONVERSATION_UNKNOWN for those who are not in it, whether there is one or not */
  async membership(caller: CallerContext, conversation: string): Promise<{ info: GroupInfo; member: GroupMember }> {
    const { groups, cutOff } = this.#options;
    const state = await groups.load(groupOf(caller, conversation), [caller.user]);
    const member = actorOf(state, caller);
    const info = state?.info as GroupInfo;
    cutOff.lookAfter(caller, conversation, info);
    return { info, member };
  }

  /**
   * A group with its founder and others in it; one that is there stays as it is.
   * @returns whom it could not bring in: they are in too many groups
   * @throws ImError TOO_MANY_CONVERSATIONS; CONVERSATION_UNKNOWN when everybody has left it since
   */
  async create(
    caller: CallerContext,
    conversation: string,
    { name, users, history }: Pick<GroupInfo, 'name' | 'history'> & { readonly users: readonly string[] },
  ): Promise<readonly string[]> {
    const { groups, index, log, clock } = this.#options;
    const group = groupOf(caller, conversation);
    return persistently(async () => {
      // Before the records: who creates it writes those first.
      const { version: written } = await log.head(group);
      const present = await groups.load(group, users);
      if (present !== undefined) {
        await this.#tell(caller, conversation, present.info.pending);
        return users.filter((user) => !present.members.has(user));
      }
      // The group of this key was there, and ended: what was said in it is nobody's any more.
      if (written > 0) throw applicationError('CONVERSATION_UNKNOWN');
      if (!(await index.reserve(caller, conversation, caller.user))) throw applicationError('TOO_MANY_CONVERSATIONS');
      const { welcome, refused } = await this.#sort(caller, conversation, users);
      const by = personOf(caller);
      const at = clock.now();
      const founder: GroupMember = { role: 'owner', joined: 0, since: at, name: by.name };
      const members = new Map<string, GroupMember>([[caller.user, founder]]);
      for (const user of welcome) members.set(user, { role: 'member', joined: 0, since: at });
      const data = { by, at, added: [...members.keys()], name };
      const id = digest('founded', group);
      const pending: PendingChange[] = [{ id, event: MEMBERS_EVENT, data, group: name, written: at }];
      await groups.found(group, { name, count: members.size, createdAt: at, history, pending }, members);
      await this.#tell(caller, conversation, pending);
      return refused;
    });
  }

  /** @returns whom it could not bring in @throws ImError CONVERSATION_UNKNOWN, CONVERSATION_FULL */
  async invite(caller: CallerContext, conversation: string, users: readonly string[]): Promise<readonly string[]> {
    const { groups, index, log, clock } = this.#options;
    const group = groupOf(caller, conversation);
    const state = await groups.load(group, [caller.user, ...users]);
    actorOf(state, caller);
    const strangers = users.filter((user) => state?.members.has(user) !== true);
    const { welcome, refused } = await this.#sort(caller, conversation, strangers);
    const act = { by: personOf(caller), at: clock.now() };
    try {
      await this.change(caller, conversation, welcome, async (now) => {
        // Read for each attempt: what is said until they are in is not theirs to see.
        const { version: head } = await log.head(group);
        return invite(now, act, { users: welcome, head });
      });
    } catch (error) {
      await Promise.allSettled(welcome.map((user) => index.follow(caller, conversation, user)));
      throw error;
    }
    return refused;
  }

  /** Whoever is not in it has left. */
  async leave(caller: CallerContext, conversation: string): Promise<void> {
    const { groups, clock } = this.#options;
    const act = { by: personOf(caller), at: clock.now() };
    await this.#carryOut(caller, conversation, async () => {
      const state = await groups.load(groupOf(caller, conversation), [caller.user]);
      const me = state?.members.get(caller.user);
      if (me === undefined) return state?.info.pending ?? [];
      const heir = me.role === 'owner' ? await this.#heir(caller, conversation) : undefined;
      const users = heir === undefined ? [] : [heir];
      return this.#attempt(caller, conversation, users, (now) => leave(now, act, heir));
    });
  }

  /**
   * Decides and carries out; decides anew when the group was changed in between.
   * @param users whom the decision looks at, beside the caller
   * @throws ImError CONVERSATION_UNKNOWN when there is no such group, and what `decide` throws
   */
  async change(caller: CallerContext, conversation: string, users: readonly string[], decide: Decide): Promise<void> {
    await this.#carryOut(caller, conversation, () => this.#attempt(caller, conversation, users, decide));
  }

  /** A member as the caller calls itself now. */
  async showName(caller: CallerContext, conversation: string, member: GroupMember): Promise<void> {
    const { name } = personOf(caller);
    if (member.name !== name) await this.#options.groups.rename(groupOf(caller, conversation), caller.user, name);
  }

  async #carryOut(
    caller: CallerContext,
    conversation: string,
    attempt: () => Promise<readonly PendingChange[]>,
  ): Promise<void> {
    await this.#options.turns.take(groupOf(caller, conversation), async () => {
      await this.#tell(caller, conversation, await persistently(attempt));
    });
  }

  /** Those of others that could not be told are left to {@link CutOffChanges}. @throws ImError as ChangeNotices.tell, and why one of the caller's own was not told */
  async #tell(caller: CallerContext, conversation: string, pending: readonly PendingChange[]): Promise<void> {
    if (pending.length === 0) return;
    const untold = await this.#options.notices.tell(caller, conversation, pending);
    for (const { id, data } of pending) {
      const error = untold.get(id);
      if (error !== undefined && data.by.user === caller.user) throw error;
    }
  }

  /** @returns what is to be told then @throws ImError RECORD_CHANGED: to be tried again */
  async #attempt(
    caller: CallerContext,
    conversation: string,
    users: readonly string[],
    decide: Decide,
  ): Promise<readonly PendingChange[]> {
    const { groups, notices, clock } = this.#options;
    const group = groupOf(caller, conversation);
    const loaded = await groups.load(group, [caller.user, ...users]);
    if (loaded === undefined) throw applicationError('CONVERSATION_UNKNOWN');
    const { pending } = loaded.info;
    if (pending.length >= MAX_PENDING) {
      const [untold] = (await notices.tell(caller, conversation, pending)).values();
      throw untold ?? new ImError('RECORD_CHANGED');
    }
    const change = await decide(loaded);
    // Where there is nothing to change, this may be the repeat of a call that was cut off before it told its change.
    return change === undefined ? pending : groups.write(group, loaded, { ...change, written: clock.now() });
  }

  /** Who has room for this group, and who has not. */
  async #sort(
    caller: CallerContext,
    conversation: string,
    users: readonly string[],
  ): Promise<{ welcome: string[]; refused: string[] }> {
    const { index } = this.#options;
    const fits = await Promise.all(users.map((user) => index.reserve(caller, conversation, user)));
    return { welcome: users.filter((_, i) => fits[i]), refused: users.filter((_, i) => !fits[i]) };
  }

  /** Who owns the group when its owner leaves: of the admins, else of all, who has been there longest. */
  async #heir(caller: CallerContext, conversation: string): Promise<string | undefined> {
    let heir: NamedMember | undefined;
    let cursor: string | undefined;
    do {
      const page = await this.#options.groups.page(groupOf(caller, conversation), { cursor, limit: PAGE });
      for (const each of page.members) if (each.user !== caller.user && (!heir || precedes(each, heir))) heir = each;
      cursor = page.cursor;
    } while (cursor !== undefined);
    return heir?.user;
  }
}

function precedes(one: GroupMember, other: GroupMember): boolean {
  return one.role === other.role ? one.since < other.since : one.role === 'admin';
}
