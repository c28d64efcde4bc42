/**
 * Owns: somebody's conversations, newest first, a page at a time. Those of two come in the order of the person's notices; of chat groups,
 * which are few, all are looked at. What becomes newer while pages are read was on an earlier page, or is pushed.
 */
import { type CallerContext, userGroup } from '@im/protocol';
import type { LogReader, RecordReader } from '@im/timeline';
import { groupOf } from '../call.js';
import type { Summary } from './conversation-definition.js';
import { readTail } from './conversation-tail.js';
import type { GroupIndex, IndexedGroup } from './group-index.js';
import { LIST_START, type ListCursor, readListCursor, writeListCursor } from './list-cursor.js';
import { NOTHING_SET, type OwnState, ownStates } from './own-state.js';
import type { DirectPlace, Places } from './place.js';
import { type RecentDirect, recentDirects } from './recent-directs.js';

export interface ConversationListOptions {
  readonly log: LogReader;
  readonly records: RecordReader;
  readonly places: Places;
  readonly index: GroupIndex;
}

/** A chat group, and when something happened there last: at the latest, that this person came. */
interface RecentGroup extends IndexedGroup {
  readonly at: number;
}

interface Listed {
  readonly conversations: readonly Summary[];
  /** Hand in for older ones; absent: there are none. Pages may be shorter than asked for. */
  readonly before: string | undefined;
}

export class ConversationList {
  readonly #options: ConversationListOptions;

  constructor(options: ConversationListOptions) {
    this.#options = options;
  }

  /** @throws ImError as LogReader.read and RecordReader.page */
  async page(caller: CallerContext, { before, limit }: { before: string | undefined; limit: number }): Promise<Listed> {
    const { log } = this.#options;
    const cursor = before === undefined ? LIST_START : readListCursor(before);
    const person = { group: groupOf(caller, userGroup(caller.user)), user: caller.user };
    const [{ directs, next }, groups] = await Promise.all([
      recentDirects(log, person, { before: cursor.notice, limit }),
      this.#recentGroups(caller, cursor),
    ]);
    const chosen: (RecentDirect | RecentGroup)[] = [];
    let end = cursor;
    let [direct, group] = [0, 0];
    while (chosen.length < limit) {
      const [nextDirect, nextGroup] = [directs[direct], groups[group]];
      if (nextDirect !== undefined && (nextGroup === undefined || nextDirect.at >= nextGroup.at)) {
        chosen.push(nextDirect);
        direct += 1;
        end = { ...end, notice: nextDirect.notice };
      } else if (nextGroup !== undefined && (nextDirect !== undefined || next === undefined)) {
        chosen.push(nextGroup);
        group += 1;
        end = { ...end, at: nextGroup.at, group: nextGroup.conversation };
      } else {
        break;
      }
    }
    if (direct === directs.length) end = { ...end, notice: next ?? 1 };
    const isAll = direct === directs.length && next === undefined && group === groups.length;
    const conversations = await this.#summaries(caller, chosen, cursor !== LIST_START);
    return { conversations, before: isAll ? undefined : writeListCursor(end) };
  }

  /** Behind the cursor, newest first. */
  async #recentGroups(caller: CallerContext, cursor: ListCursor): Promise<RecentGroup[]> {
    const { index, log } = this.#options;
    const listed = await index.groupsOf(caller);
    const recent = await Promise.all(
      listed.map(async ({ conversation, own }) => {
        const newest = { before: Number.MAX_SAFE_INTEGER, limit: 1 };
        const { entries } = await log.read(groupOf(caller, conversation), newest);
        return { conversation, own, at: entries[0]?.time ?? 0 };
      }),
    );
    return recent
      .filter(({ at, conversation }) => at < cursor.at || (at === cursor.at && conversation > cursor.group))
      .sort((a, b) => b.at - a.at || (a.conversation < b.conversation ? -1 : 1));
  }

  async #summaries(
    caller: CallerContext,
    chosen: readonly (RecentDirect | RecentGroup)[],
    goesOn: boolean,
  ): Promise<Summary[]> {
    const owner = groupOf(caller, userGroup(caller.user));
    const directs = chosen.flatMap((each) => ('peer' in each ? [each.conversation] : []));
    const states = await ownStates(this.#options.records, owner, directs);
    const summaries = await Promise.all(
      chosen.map((each) =>
        'peer' in each
          ? this.#ofDirect(caller, each, { own: states.get(each.conversation) ?? NOTHING_SET, goesOn })
          : this.#ofGroup(caller, each),
      ),
    );
    return summaries.filter((summary) => summary !== undefined);
  }

  /** Undefined: the person is not in it any more. */
  async #ofGroup(caller: CallerContext, { conversation, own, at }: RecentGroup): Promise<Summary | undefined> {
    const { index, places, log } = this.#options;
    const place = await index.ifMember(caller, conversation, () => places.of(caller, conversation));
    if (place?.kind !== 'group') return undefined;
    const { last, read, unread, epoch, version } = await readTail(log, { place, own }, caller.user);
    const group = { name: place.info.name, members: place.info.count, role: place.member.role };
    const muted = own.muted ?? false;
    return { conversation, kind: 'group', ...group, last, at, unread, read, muted, epoch, version };
  }

  /** Undefined: everything in it was deleted, or it was on an earlier page. */
  async #ofDirect(
    caller: CallerContext,
    { peer, version: noticed }: RecentDirect,
    { own, goesOn }: { readonly own: OwnState; readonly goesOn: boolean },
  ): Promise<Summary | undefined> {
    const place: DirectPlace = this.#options.places.with(caller, peer);
    const { last, at, read, unread, peerName, ...head } = await readTail(
      this.#options.log,
      { place, own },
      caller.user,
    );
    if (last === undefined || at === undefined || (goesOn && last.version > noticed)) return undefined;
    const person = { user: peer, ...(peerName !== undefined && { name: peerName }) };
    const muted = own.muted ?? false;
    return { conversation: place.conversation, kind: 'direct', peer: person, last, at, unread, read, muted, ...head };
  }
}
