/**
 * Owns: telling a change of a chat group to everybody whom it concerns: the entry in the group's log, the notices of those who
 * come and go, and that these are in it no longer. Telling a change again tells it once.
 */
import type { Publisher } from '@im/broadcast';
import { type CallerContext, type Effect, ERROR_CODES, KICK_EVENT, type Publication, userGroup } from '@im/protocol';
import { encodeJson } from '@im/rpc';
import { groupOf } from '../call.js';
import type { Receipts } from '../receipt/receipts.js';
import { concerned, type PendingChange } from './chat-group.js';
import type { GroupIndex } from './group-index.js';
import type { GroupRecords } from './group-records.js';

/** To those who come and go: this conversation is theirs now, or no longer. */
const CONVERSATION_EVENT = 'conversation';

export interface ChangeNoticesOptions {
  readonly groups: GroupRecords;
  readonly index: GroupIndex;
  readonly publisher: Publisher;
  readonly receipts: Receipts;
}

export class ChangeNotices {
  readonly #options: ChangeNoticesOptions;

  constructor(options: ChangeNoticesOptions) {
    this.#options = options;
  }

  /**
   * Tells them in their order, and marks those as told that all have heard of. Where somebody cannot be reached, the others hear of it
   * all the same, and that person hears of nothing later before it.
   * @returns what was not told to all, by id, and why: that stays to be told
   * @throws ImError as Publisher.publish where the group's own log is away, and as RecordStore: then all of it stays to be told
   */
  async tell(
    caller: CallerContext,
    conversation: string,
    changes: readonly PendingChange[],
  ): Promise<ReadonlyMap<string, Error>> {
    const unreached = new Map<string, Error>();
    const untold = new Map<string, Error>();
    for (const change of changes) {
      await this.#tellOne(caller, conversation, { change, unreached });
      for (const user of concerned(change).users) {
        const error = unreached.get(user);
        if (error !== undefined) untold.set(change.id, error);
      }
    }
    const told = changes.filter(({ id }) => !untold.has(id));
    if (told.length > 0) await this.#options.groups.told(groupOf(caller, conversation), told);
    return untold;
  }

  /** @param unreached people, and why: they are left out, and those that fail now are added */
  async #tellOne(
    caller: CallerContext,
    conversation: string,
    { change, unreached }: { readonly change: PendingChange; readonly unreached: Map<string, Error> },
  ): Promise<void> {
    const { index, publisher, receipts } = this.#options;
    const { users, isIn } = concerned(change);
    const { id, event, data } = change;
    const entry = { lane: 'priority', event, body: encodeJson(data), id, time: data.at } as const;
    const reached = () => users.filter((user) => !unreached.has(user));
    const toAll = async (publication: Publication): Promise<void> => {
      const theirs = new Map(reached().map((user) => [groupOf(caller, userGroup(user)), user]));
      if (theirs.size === 0) return;
      const { failed } = await publisher.publishMany([...theirs.keys()], publication, { acknowledge: 'durable' });
      for (const [group, error] of failed) unreached.set(theirs.get(group) as string, error);
    };

    await publisher.publish(groupOf(caller, conversation), entry, { acknowledge: 'durable' });
    const follow = (user: string): Promise<unknown> =>
      index.follow(caller, conversation, user).catch((error: Error) => unreached.set(user, error));
    await Promise.all(reached().map(follow));
    const notice = { conversation, change: isIn ? 'added' : 'removed', name: change.group, by: data.by, at: data.at };
    await toAll({ ...entry, event: CONVERSATION_EVENT, body: encodeJson(notice) });
    if (isIn) return;
    await toAll({ ...entry, event: KICK_EVENT, body: kickOf(conversation), id: `${id}-kick` });
    await Promise.all(users.map((user) => receipts.leave(groupOf(caller, conversation), user)));
  }
}

function kickOf(conversation: string): Uint8Array {
  const { code } = ERROR_CODES.KICKED;
  return encodeJson({ type: 'kick', group: conversation, code, reason: 'no longer in this group' } satisfies Effect);
}
