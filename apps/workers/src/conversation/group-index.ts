/**
 * Owns: which chat groups a person is in, as records of the person. What counts is the group's own record of the member; this
 * follows it, so that it may be behind for a moment and is then made right by whoever notices.
 */
import { type CallerContext, ImError, userGroup } from '@im/protocol';
import type { NamedRecord, RecordStore } from '@im/timeline';
import { groupOf } from '../call.js';
import { type GroupMember, memberField } from './chat-group.js';
import { jsonRecord, persistently, readRecord, recordChange } from './json-record.js';
import { NOTHING_SET, OWN_STATE_PREFIX, type OwnState, ownStateField } from './own-state.js';

/** Chat groups that one person is in; together with rooms they have room in what a connection may join. */
const MAX_GROUPS = 200;

const GROUPS = `${OWN_STATE_PREFIX}g:`;
/** Somewhat more may be there while people are invited into several groups at once. */
const MOST_LISTED = 1_000;

export interface IndexedGroup {
  readonly conversation: string;
  readonly own: OwnState;
}

export class GroupIndex {
  readonly #records: RecordStore;

  constructor(records: RecordStore) {
    this.#records = records;
  }

  /** By id. @throws ImError as RecordReader.page */
  async groupsOf(caller: CallerContext): Promise<IndexedGroup[]> {
    const { records } = await this.#page(caller, caller.user, { limit: MOST_LISTED });
    return records.map(indexed);
  }

  /** Some of them, by id. @param after the last one of those before @throws ImError as RecordReader.page */
  async someGroups(
    caller: CallerContext,
    { after, limit }: { readonly after: string | undefined; readonly limit: number },
  ): Promise<{ groups: readonly string[]; more: boolean }> {
    const { records, more } = await this.#page(caller, caller.user, { after, limit });
    return { groups: records.map((record) => indexed(record).conversation), more };
  }

  /**
   * Lists a group that somebody is about to be in; `follow` keeps that, or takes it back.
   * @returns whether there is room: among that person's groups, and among the records
   * @throws ImError as RecordStore
   */
  async reserve(caller: CallerContext, conversation: string, user: string): Promise<boolean> {
    const { records } = await this.#page(caller, user, { limit: MAX_GROUPS });
    if (records.some((record) => indexed(record).conversation === conversation)) return true;
    if (records.length === MAX_GROUPS) return false;
    try {
      await this.#records.write(groupOf(caller, userGroup(user)), [
        recordChange(ownStateField(conversation), NOTHING_SET, undefined),
      ]);
      return true;
    } catch (error) {
      if (isError(error, 'TOO_MANY_RECORDS')) return false;
      if (isError(error, 'RECORD_CHANGED')) return true;
      throw error;
    }
  }

  /**
   * Makes it say what the group says. Looks again after each change, so that of several at the same time the last one to
   * look has seen what the group says in the end. A group for which a person has no room among the records stays unlisted.
   * @throws ImError as RecordStore, but for TOO_MANY_RECORDS
   */
  async follow(caller: CallerContext, conversation: string, user: string): Promise<void> {
    const owner = groupOf(caller, userGroup(user));
    const field = ownStateField(conversation);
    await persistently(async () => {
      for (;;) {
        const member = await readRecord<GroupMember>(this.#records, groupOf(caller, conversation), memberField(user));
        const listed = await readRecord<OwnState>(this.#records, owner, field);
        if ((member === undefined) === (listed === undefined)) return;
        await this.#records.write(owner, [
          recordChange(field, member && ({ read: member.value.joined } satisfies OwnState), listed),
        ]);
      }
    }).catch((error: unknown) => {
      if (!isError(error, 'TOO_MANY_RECORDS')) throw error;
    });
  }

  /**
   * Looks up a group that is listed; undefined when its person is not in it any more, which is then listed no longer.
   * @throws ImError what `lookUp` throws, but for CONVERSATION_UNKNOWN
   */
  async ifMember<Found>(
    caller: CallerContext,
    conversation: string,
    lookUp: () => Promise<Found>,
  ): Promise<Found | undefined> {
    try {
      return await lookUp();
    } catch (error) {
      if (!isError(error, 'CONVERSATION_UNKNOWN')) throw error;
      await this.follow(caller, conversation, caller.user);
      return undefined;
    }
  }

  #page(caller: CallerContext, user: string, { after, limit }: { after?: string | undefined; limit: number }) {
    const from = after === undefined ? {} : { after: ownStateField(after) };
    return this.#records.page(groupOf(caller, userGroup(user)), { prefix: GROUPS, limit, ...from });
  }
}

function isError(error: unknown, name: string): boolean {
  return error instanceof ImError && error.name === name;
}

function indexed(record: NamedRecord): IndexedGroup {
  return {
    conversation: record.field.slice(OWN_STATE_PREFIX.length),
    own: jsonRecord<OwnState>(record)?.value as OwnState,
  };
}
