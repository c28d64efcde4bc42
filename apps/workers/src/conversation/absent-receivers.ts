/** Owns: who is told of as not connected when a message was written: its receivers, but for those who muted the conversation. */
import { type CallerContext, userGroup } from '@im/protocol';
import type { LogReader, RecordReader } from '@im/timeline';
import { groupOf } from '../call.js';
import { type Concern, MAX_TOLD, type OfflineHook } from '../offline/offline-hook.js';
import type { MessageData } from './conversation-entry.js';
import { readTail } from './conversation-tail.js';
import type { GroupRecords } from './group-records.js';
import { NOTHING_SET, ownStates } from './own-state.js';
import type { Place } from './place.js';
import type { TakenBack } from './taken-back.js';

export interface AbsentReceiversOptions {
  readonly offline: OfflineHook;
  readonly groups: GroupRecords;
  readonly records: RecordReader;
  readonly log: LogReader;
  readonly takenBack: TakenBack;
}

/** @throws ImError as RecordReader.page */
export async function tellAbsent(
  options: AbsentReceiversOptions,
  caller: CallerContext,
  place: Place,
  message: MessageData,
  version: number,
): Promise<void> {
  const { conversation } = place;
  const { id, from, text, at } = message;
  const product = caller.product === undefined ? {} : { product: caller.product };
  const { users, since } = await receiversOf(options.groups, caller, place);
  options.offline.message({ id, from, text, at, conversation, version, ...product }, users, (user) =>
    concernOf(options, caller, { ...place, since: since.get(user) ?? 0 }, user),
  );
}

async function receiversOf(groups: GroupRecords, caller: CallerContext, place: Place) {
  if (place.kind === 'direct') return { users: [place.peer], since: new Map<string, number>() };
  const { members } = await groups.page(place.group, { cursor: undefined, limit: MAX_TOLD });
  const others = members.filter(({ user }) => user !== caller.user);
  return { users: others.map(({ user }) => user), since: new Map(others.map(({ user, joined }) => [user, joined])) };
}

async function concernOf(
  { records, log, takenBack }: AbsentReceiversOptions,
  caller: CallerContext,
  place: Place,
  user: string,
): Promise<Concern> {
  const { conversation } = place;
  const own =
    (await ownStates(records, groupOf(caller, userGroup(user)), [conversation])).get(conversation) ?? NOTHING_SET;
  if (own.muted) return { muted: true };
  const { unread } = await readTail({ log, takenBack }, { place, own }, user);
  return { muted: false, unread };
}
