/** Answers `sync`: a page of a group's log, on demand (PR-100, PR-101). */
import { ImError, type Sync, type Synced, withProduct } from '@im/protocol';
import { deliveryOf } from '../feed/delivery-of.js';
import type { LogAccess } from '../feed/log-access.js';
import type { Session } from '../session/session.js';

/**
 * Sends the pushes, and gives what is said after them.
 * @throws ImError NOT_A_MEMBER, EPOCH_CHANGED, POSITION_AHEAD, STORE_UNAVAILABLE
 */
export async function answerSync(
  { id, group, epoch, after, limit }: Sync,
  session: Session,
  log: LogAccess,
): Promise<Synced> {
  if (!session.isIn(group)) throw new ImError('NOT_A_MEMBER');
  const busGroup = withProduct(session.identity.product, group);
  // What is not for this client it is not given here either: as if the log no longer held it.
  const page = await log.read(busGroup, Math.max(after, session.memberships.shownAfter(group)), limit);
  if (page.epoch !== epoch) throw new ImError('EPOCH_CHANGED', { details: { epoch: page.epoch } });
  if (after > page.version) throw new ImError('POSITION_AHEAD', { details: { version: page.version } });
  // It may have been left while the log was read (PR-66).
  if (!session.isIn(group)) throw new ImError('NOT_A_MEMBER');
  if (page.entries.length > 0) {
    const deliveries = page.entries.map((entry) => deliveryOf(busGroup, epoch, entry));
    session.holder.write(session.holder.encoding.pushesToOne(deliveries));
  }
  const version = page.entries.at(-1)?.version ?? page.version;
  return { type: 'synced', id, group, epoch, version, more: version < page.version };
}
