/** Owns: chat groups as records of `g:<name>`: reading what a change looks at, and writing all of a change or nothing. */
import type { RecordChange, RecordStore } from '@im/timeline';
import { digest } from '../digest.js';
import {
  type GroupChange,
  type GroupInfo,
  type GroupMember,
  type GroupState,
  INFO_FIELD,
  MEMBER_PREFIX,
  memberField,
  type PendingChange,
} from './chat-group.js';
import { changeRecord, type JsonRecord, jsonRecord, persistently, readRecord, recordChange } from './json-record.js';
import { TAKEN_BACK_PREFIX } from './taken-back.js';

/** Less than a write may carry. */
const DELETED_AT_ONCE = 200;

/** A group and the revisions of what was read of it. */
export interface LoadedGroup extends GroupState {
  readonly infoRecord: JsonRecord<GroupInfo>;
  readonly memberRecords: ReadonlyMap<string, JsonRecord<GroupMember>>;
}

export interface NamedMember extends GroupMember {
  readonly user: string;
}

/** Groups are named as on the bus. All throw ImError as the record store does. */
export class GroupRecords {
  readonly #records: RecordStore;

  constructor(records: RecordStore) {
    this.#records = records;
  }

  /** With those of the users who are in it; undefined: there is no such group. */
  async load(group: string, users: readonly string[]): Promise<LoadedGroup | undefined> {
    const found = await this.#records.get(group, [INFO_FIELD, ...new Set(users.map(memberField))]);
    const infoRecord = jsonRecord<GroupInfo>(found.get(INFO_FIELD));
    if (infoRecord === undefined) return undefined;
    const memberRecords = new Map<string, JsonRecord<GroupMember>>();
    const members = new Map<string, GroupMember>();
    for (const user of users) {
      const record = jsonRecord<GroupMember>(found.get(memberField(user)));
      if (record === undefined) continue;
      memberRecords.set(user, record);
      members.set(user, record.value);
    }
    return { info: infoRecord.value, members, infoRecord, memberRecords };
  }

  /** A new group. @throws ImError RECORD_CHANGED when there is one */
  async found(group: string, info: GroupInfo, members: ReadonlyMap<string, GroupMember>): Promise<void> {
    await this.#records.write(group, [
      recordChange(INFO_FIELD, info, undefined),
      ...[...members].map(([user, member]) => recordChange(memberField(user), member, undefined)),
    ]);
  }

  /** @returns what is to be told now, in this order @throws ImError RECORD_CHANGED when anything of the group was changed since it was loaded */
  async write(
    group: string,
    loaded: LoadedGroup,
    change: GroupChange & { readonly written: number },
  ): Promise<readonly PendingChange[]> {
    const info = { ...loaded.infoRecord.value, ...change.info };
    // No revision comes twice, so that no two changes have one id.
    const id = digest('change', group, String(loaded.infoRecord.revision));
    const { entry, written } = change;
    const pending: readonly PendingChange[] = [...info.pending, { ...entry, id, group: info.name, written }];
    const members = [...(change.members ?? [])];
    await this.#records.write(group, [
      recordChange(INFO_FIELD, { ...info, pending }, loaded.infoRecord),
      ...members.map(([user, member]) => recordChange(memberField(user), member, loaded.memberRecords.get(user))),
    ]);
    return pending;
  }

  /** Takes up changes that nobody tells any more. @throws ImError RECORD_CHANGED when somebody else does, or anything else was changed since */
  async takeUp(group: string, { infoRecord }: LoadedGroup, now: number): Promise<readonly PendingChange[]> {
    const pending = infoRecord.value.pending.map((change) => ({ ...change, written: now }));
    await this.#records.write(group, [recordChange(INFO_FIELD, { ...infoRecord.value, pending }, infoRecord)]);
    return pending;
  }

  /** These changes have been told. A group that nobody is in any more ends with the last of them. */
  async told(group: string, changes: readonly PendingChange[]): Promise<void> {
    const told = new Set(changes.map(({ id }) => id));
    await persistently(async () => {
      const info = await readRecord<GroupInfo>(this.#records, group, INFO_FIELD);
      if (info === undefined) return;
      const pending = info.value.pending.filter(({ id }) => !told.has(id));
      if (pending.length === 0 && info.value.count === 0) return this.#end(group, info);
      if (pending.length === info.value.pending.length) return;
      await this.#records.write(group, [recordChange(INFO_FIELD, { ...info.value, pending }, info)]);
    });
  }

  /** Its log stays, as long as logs are kept: by that it is known that the group was there. @throws ImError RECORD_CHANGED */
  async #end(group: string, info: JsonRecord<GroupInfo>): Promise<void> {
    for (;;) {
      const { records, more } = await this.#records.page(group, { prefix: TAKEN_BACK_PREFIX, limit: DELETED_AT_ONCE });
      const changes: RecordChange[] = records.map(({ field }) => ({ field, body: undefined }));
      if (!more) changes.push(recordChange(INFO_FIELD, undefined, info));
      await this.#records.write(group, changes);
      if (!more) return;
    }
  }

  /** A member is called otherwise now. */
  async rename(group: string, user: string, name: string): Promise<void> {
    await changeRecord<GroupMember>(
      this.#records,
      { owner: group, field: memberField(user) },
      (member) => member && { ...member, name },
    );
  }

  /** By user id. @param cursor the last one of the page before */
  async page(
    group: string,
    { cursor, limit }: { readonly cursor: string | undefined; readonly limit: number },
  ): Promise<{ members: readonly NamedMember[]; cursor: string | undefined }> {
    const after = cursor === undefined ? {} : { after: memberField(cursor) };
    const { records, more } = await this.#records.page(group, { prefix: MEMBER_PREFIX, limit, ...after });
    const members = records.map((record) => ({
      user: record.field.slice(MEMBER_PREFIX.length),
      ...(jsonRecord<GroupMember>(record)?.value as GroupMember),
    }));
    return { members, cursor: more ? members.at(-1)?.user : undefined };
  }
}
