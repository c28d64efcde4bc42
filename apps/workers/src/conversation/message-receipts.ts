/** Owns: what is asked of the receipts for a message: of two people it is delivered where they get notices, and read where they read. */
import type { Published } from '@im/broadcast';
import { type CallerContext, ImError, userGroup } from '@im/protocol';
import { groupOf } from '../call.js';
import type { LogEntry, Receipts } from '../receipt/receipts.js';
import type { Place } from './place.js';

/** Before it is written. @throws ImError as RecordStore.write */
export async function prepareReceipts(receipts: Receipts, caller: CallerContext, place: Place): Promise<void> {
  const notified = place.kind === 'direct' ? [groupOf(caller, userGroup(place.peer))] : [];
  await receipts.prepare([place.group, ...notified]);
}

/**
 * Once it is written; again changes nothing.
 * @param written where
 * @param notices of both people, in a conversation of two
 * @throws ImError as RecordStore
 */
export async function askForReceipts(
  receipts: Receipts,
  caller: CallerContext,
  place: Place,
  written: LogEntry,
  notices: readonly Published[],
): Promise<void> {
  const { conversation } = place;
  const asked = { by: caller.user, conversation, entry: written.version };
  if (place.kind === 'group') {
    await receipts.ask(written, { ...asked, of: place.info.count - 1, delivered: 0, read: 0 });
    return;
  }
  const log = groupOf(caller, userGroup(place.peer));
  const { epoch, version } = notices.find(({ group }) => group === log) ?? {};
  if (epoch === undefined || version === undefined)
    throw new ImError('INTERNAL', { message: 'a notice has no version' });
  await receipts.ask({ log, epoch, version }, { ...asked, of: 1, delivered: 0 });
  await receipts.ask(written, { ...asked, of: 1, read: 0, notices: [{ log, version }] });
}
