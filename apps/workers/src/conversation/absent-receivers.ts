/** Owns: who is told of as not connected when a message was written: its receivers, but for those who muted the conversation. */
import { type CallerContext, userGroup, withProduct } from '@im/protocol';
import type { LogReader, RecordStore } from '@im/timeline';
import { MAX_TOLD, type OfflineHook } from '../offline/offline-hook.js';
import type { ConcernOf } from '../offline/offline-teller.js';
import type { MessageData } from './conversation-entry.js';
import { kindOf } from './conversation-id.js';
import { readTail } from './conversation-tail.js';
import type { GroupRecords } from './group-records.js';
import { NOTHING_SET, ownStates } from './own-state.js';
import type { Place } from './place.js';
import { TakenBack } from './taken-back.js';

/**
 * Settles when it is durable that they are to be told of it.
 * @throws ImError as RecordReader.page and Publisher.publish
 */
export async function tellAbsent(
  { offline, groups }: { readonly offline: OfflineHook; readonly groups: GroupRecords },
  caller: CallerContext,
  place: Place,
  message: MessageData,
  version: number,
): Promise<void> {
  const { id, from, text, at } = message;
  const product = caller.product === undefined ? {} : { product: caller.product };
  const to = await receiversOf(groups, caller, place);
  await offline.message({ id, from, text, at, conversation: place.conversation, version, ...product, to });
}

/** With the version up to which the conversation is not theirs to see. */
async function receiversOf(groups: GroupRecords, caller: CallerContext, place: Place): Promise<[string, number][]> {
  if (place.kind === 'direct') return [[place.peer, 0]];
  const { members } = await groups.page(place.group, { cursor: undefined, limit: MAX_TOLD });
  return members.filter(({ user }) => user !== caller.user).map(({ user, joined }) => [user, joined]);
}

/** What a message is to one who is not connected, when it is that one's turn. */
export function createConcernOf({
  records,
  log,
}: {
  readonly records: RecordStore;
  readonly log: LogReader;
}): ConcernOf {
  const takenBack = new TakenBack(records);
  return async ({ product, conversation }, user, since) => {
    const owner = withProduct(product, userGroup(user));
    const own = (await ownStates(records, owner, [conversation])).get(conversation) ?? NOTHING_SET;
    if (own.muted) return { muted: true };
    const kind = kindOf(conversation);
    const place = { kind, group: withProduct(product, conversation), since };
    const { unread } = await readTail({ log, takenBack }, { place, own }, user);
    return { muted: false, unread };
  };
}
