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
import type { DirectPlace, GroupPlace, Places } from './place.js';
import { Reachable } from './reachable.js';
import { type RecentDirect, recentDirects } from './recent-directs.js';
import type { TakenBack } from './taken-back.js';

export interface ConversationListOptions {
  readonly log: LogReader;
  readonly records: RecordReader;
  readonly places: Places;
  readonly index: GroupIndex;
  readonly takenBack: TakenBack;
}

/** A chat group that this person is in, and when something happened there last: at the latest, that the person came. */
interface RecentGroup {
  readonly place: GroupPlace;
  readonly own: OwnState;
  readonly at: number;
}

interface Listed {
  readonly conversations: readonly Summary[];
  /** Hand in for older ones; absent: there are none. Pages may be shorter than asked for. */
  readonly before: string | undefined;
  /** Left out, as they cannot be reached now. */
  readonly unavailable: string[] | undefined;
}

export class ConversationList {
  readonly #options: ConversationListOptions;

  constructor(options: ConversationListOptions) {
    this.#options = options;
  }

  /** @throws ImError as LogReader.read and RecordReader.page where the person's own log or records are away */
  async page(caller: CallerContext, { before, limit }: { before: string | undefined; limit: number }): Promise<Listed> {
    const { log } = this.#options;
    const cursor = before === undefined ? LIST_START : readListCursor(before);
    const person = { group: groupOf(caller, userGroup(caller.user)), user: caller.user };
    const reachable = new Reachable();
    const [{ directs, next }, { groups, more }] = await Promise.all([
      recentDirects(log, person, { before: cursor.notice, limit }),
      this.#recentGroups(caller, { cursor, limit, reachable }),
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
        end = { ...end, at: nextGroup.at, group: nextGroup.place.conversation };
      } else {
        break;
      }
    }
    if (direct === directs.length) end = { ...end, notice: next ?? 1 };
    const isAll = direct === directs.length && next === undefined && group === groups.length && !more;
    const conversations = await this.#summaries(caller, chosen, { goesOn: cursor !== LIST_START, reachable });
    return { conversations, before: isAll ? undefined : writeListCursor(end), unavailable: reachable.unavailable };
  }

  /** Behind the cursor, newest first, at most `limit`. That a group is listed proves nothing: each is asked whether the person is in it. */
  async #recentGroups(
    caller: CallerContext,
    {
      cursor,
      limit,
      reachable,
    }: { readonly cursor: ListCursor; readonly limit: number; readonly reachable: Reachable },
  ): Promise<{ groups: readonly RecentGroup[]; more: boolean }> {
    const listed = await this.#options.index.groupsOf(caller);
    const recent = (await Promise.all(listed.map((each) => this.#lastActive(caller, each, reachable))))
      .filter((each) => each !== undefined)
      .filter(({ at, conversation }) => at < cursor.at || (at === cursor.at && conversation > cursor.group))
      .sort((a, b) => b.at - a.at || (a.conversation < b.conversation ? -1 : 1));
    const groups: RecentGroup[] = [];
    let looked = 0;
    while (groups.length < limit && looked < recent.length) {
      const some = recent.slice(looked, looked + limit - groups.length);
      const found = await Promise.all(some.map((each) => this.#ifIn(caller, each, reachable)));
      groups.push(...found.filter((each) => each !== undefined));
      looked += some.length;
    }
    return { groups, more: looked < recent.length };
  }

  async #lastActive(caller: CallerContext, { conversation, own }: IndexedGroup, reachable: Reachable) {
    return reachable.ask(conversation, async () => {
      const newest = { before: Number.MAX_SAFE_INTEGER, limit: 1 };
      const { entries } = await this.#options.log.read(groupOf(caller, conversation), newest);
      // Where nothing of it is kept any more, that the person came is what happened last.
      const at = entries[0]?.time ?? (await this.#placeOf(caller, conversation))?.member.since ?? 0;
      return { conversation, own, at };
    });
  }

  async #ifIn(
    caller: CallerContext,
    { conversation, own, at }: IndexedGroup & { readonly at: number },
    reachable: Reachable,
  ): Promise<RecentGroup | undefined> {
    const place = await reachable.ask(conversation, () => this.#placeOf(caller, conversation));
    return place && { place, own, at };
  }

  /** Undefined: the person is not in it any more. */
  async #placeOf(caller: CallerContext, conversation: string): Promise<GroupPlace | undefined> {
    const { index, places } = this.#options;
    return index.ifMember(caller, conversation, async () => (await places.of(caller, conversation)) as GroupPlace);
  }

  async #summaries(
    caller: CallerContext,
    chosen: readonly (RecentDirect | RecentGroup)[],
    { goesOn, reachable }: { readonly goesOn: boolean; readonly reachable: Reachable },
  ): Promise<Summary[]> {
    const owner = groupOf(caller, userGroup(caller.user));
    const directs = chosen.flatMap((each) => ('peer' in each ? [each.conversation] : []));
    const states = await ownStates(this.#options.records, owner, directs);
    const summaries = await Promise.all(
      chosen.map((each) =>
        'peer' in each
          ? reachable.ask(each.conversation, () =>
              this.#ofDirect(caller, each, { own: states.get(each.conversation) ?? NOTHING_SET, goesOn }),
            )
          : reachable.ask(each.place.conversation, () => this.#ofGroup(caller, each)),
      ),
    );
    return summaries.filter((summary) => summary !== undefined);
  }

  async #ofGroup(caller: CallerContext, { place, own, at }: RecentGroup): Promise<Summary> {
    const { last, read, unread, epoch, version } = await readTail(this.#options, { place, own }, caller.user);
    const { conversation, info, member } = place;
    const group = { name: info.name, members: info.count, role: member.role };
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
    const { last, at, read, unread, peerName, ...head } = await readTail(this.#options, { place, own }, caller.user);
    if (last === undefined || at === undefined || (goesOn && last.version > noticed)) return undefined;
    const person = { user: peer, ...(peerName !== undefined && { name: peerName }) };
    const muted = own.muted ?? false;
    return { conversation: place.conversation, kind: 'direct', peer: person, last, at, unread, read, muted, ...head };
  }
}
