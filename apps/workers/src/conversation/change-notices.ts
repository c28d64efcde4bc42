/**
 * Owns: telling a change of a chat group to everybody whom it concerns: the entry in the group's log, the notices of those who
 * come and go, and that these are in it no longer. Telling a change again tells it once.
 */
import type { Publisher } from '@im/broadcast';
import { type CallerContext, type Effect, ERROR_CODES, KICK_EVENT, type Publication, userGroup } from '@im/protocol';
import { encodeJson } from '@im/rpc';
import { groupOf } from '../call.js';
import { concerned, type PendingChange } from './chat-group.js';
import type { GroupIndex } from './group-index.js';
import type { GroupRecords } from './group-records.js';

/** To those who come and go: this conversation is theirs now, or no longer. */
const CONVERSATION_EVENT = 'conversation';

export interface ChangeNoticesOptions {
  readonly groups: GroupRecords;
  readonly index: GroupIndex;
  readonly publisher: Publisher;
}

export class ChangeNotices {
  readonly #options: ChangeNoticesOptions;

  constructor(options: ChangeNoticesOptions) {
    this.#options = options;
  }

  /**
   * Settles when all are on record for all, in their order, and marks them as told.
   * @throws ImError as Publisher.publish and RecordStore: then they stay to be told
   */
  async tell(caller: CallerContext, conversation: string, changes: readonly PendingChange[]): Promise<void> {
    if (changes.length === 0) return;
    for (const change of changes) await this.#tellOne(caller, conversation, change);
    await this.#options.groups.told(groupOf(caller, conversation), changes);
  }

  async #tellOne(caller: CallerContext, conversation: string, change: PendingChange): Promise<void> {
    const { index, publisher } = this.#options;
    const group = groupOf(caller, conversation);
    const { users, isIn } = concerned(change);
    const { id, event, data } = change;
    const entry = { lane: 'priority', event, body: encodeJson(data), id, time: data.at } as const;
    await Promise.all([
      publisher.publish(group, entry, { acknowledge: 'durable' }),
      ...users.map((user) => index.follow(caller, conversation, user)),
    ]);
    if (users.length > 0) {
      const theirs = users.map((user) => groupOf(caller, userGroup(user)));
      const notice = { conversation, change: isIn ? 'added' : 'removed', name: change.group, by: data.by, at: data.at };
      await this.#toAll(theirs, { ...entry, event: CONVERSATION_EVENT, body: encodeJson(notice) });
      if (!isIn)
        await this.#toAll(theirs, { ...entry, event: KICK_EVENT, body: kickOf(conversation), id: `${id}-kick` });
    }
  }

  async #toAll(groups: readonly string[], publication: Publication): Promise<void> {
    const { failed } = await this.#options.publisher.publishMany(groups, publication, { acknowledge: 'durable' });
    for (const error of failed.values()) throw error;
  }
}

function kickOf(conversation: string): Uint8Array {
  const { code } = ERROR_CODES.KICKED;
  return encodeJson({ type: 'kick', group: conversation, code, reason: 'no longer in this group' } satisfies Effect);
}
