/**
 * `conversation`: what people write to each other, one to one and in chat groups. Decides who may do what; where things are kept is
 * the business of the parts it is made of.
 */
import type { Publisher } from '@im/broadcast';
import { type CallerContext, type Effect, userGroup } from '@im/protocol';
import type { Clock, Logger } from '@im/protocol/ports';
import { type HandlerContext, implementService, type ServedService } from '@im/rpc';
import type { IdSource, LogReader, RecordStore } from '@im/timeline';
import { addEffects, callerOf, groupOf, messageIdOf, personOf } from '../call.js';
import type { OfflineHook } from '../offline/offline-hook.js';
import type { RateLimit } from '../rate-limit.js';
import type { Receipts } from '../receipt/receipts.js';
import { checkedText } from '../text.js';
import { Turns } from '../turns.js';
import { ChangeNotices } from './change-notices.js';
import { remove, rename, setRole } from './chat-group.js';
import { ChatGroups } from './chat-groups.js';
import { conversationDefinition, MAX_OPENED } from './conversation-definition.js';
import { groupConversation, kindOf } from './conversation-id.js';
import { ConversationList } from './conversation-list.js';
import { CutOffChanges } from './cut-off-changes.js';
import { GroupIndex } from './group-index.js';
import { GroupRecords } from './group-records.js';
import { readHistory } from './history.js';
import { Messages } from './messages.js';
import { NOTHING_SET, ownStates } from './own-state.js';
import { OwnStates } from './own-states.js';
import { type GroupPlace, type Place, Places } from './place.js';
import { Reachable } from './reachable.js';
import { TakenBack } from './taken-back.js';

const TEXT_RULES = { maxLength: 2_000, lineBreaks: 'kept' } as const;
const NAME_RULES = { maxLength: 64, lineBreaks: 'spaces' } as const;

export interface ConversationServiceOptions {
  readonly publisher: Publisher;
  readonly log: LogReader;
  readonly records: RecordStore;
  /** Of messages. */
  readonly ids: IdSource;
  readonly receipts: Receipts;
  /** Told of messages for people who are not connected. */
  readonly offline: OfflineHook | undefined;
  readonly rates: {
    readonly message: RateLimit;
    /** Of messages to one person who does not answer. */
    readonly unanswered: RateLimit;
    /** Of chat groups. */
    readonly change: RateLimit;
    /** Of what people set for themselves. */
    readonly mark: RateLimit;
    /** Of what is read a page at a time. */
    readonly look: RateLimit;
  };
  readonly clock: Clock;
  readonly logger: Logger;
  readonly version: string;
}

export function createConversationService({
  publisher,
  log,
  records,
  ids,
  receipts,
  offline,
  rates,
  clock,
  logger,
  version,
}: ConversationServiceOptions): ServedService {
  const takenBack = new TakenBack(records);
  const groupRecords = new GroupRecords(records);
  const index = new GroupIndex(records);
  const notices = new ChangeNotices({ groups: groupRecords, index, publisher, receipts });
  const turns = new Turns();
  const cutOff = new CutOffChanges({ groups: groupRecords, notices, turns, clock, logger });
  const groups = new ChatGroups({ groups: groupRecords, index, notices, cutOff, turns, log, clock });
  const places = new Places({ log, groups });
  const messages = new Messages({
    ...{ publisher, log, ids, takenBack, receipts, offline, clock },
    groups: groupRecords,
  });
  const states = new OwnStates({ records, log, publisher, clock });
  const list = new ConversationList({ log, records, places, index, takenBack });

  /** The caller of a call that changes a group, and what the change says of it. */
  function changing(context: Pick<HandlerContext, 'headers'>) {
    const caller = callerOf(context);
    rates.change.take(caller);
    return { caller, act: { by: personOf(caller), at: clock.now() } };
  }

  /** The caller of a call that reads pages. */
  function looking(context: Pick<HandlerContext, 'headers'>): CallerContext {
    const caller = callerOf(context);
    rates.look.take(caller);
    return caller;
  }

  /** The conversation that a call sets something in. */
  async function marking(
    context: Pick<HandlerContext, 'headers'>,
    conversation: string,
  ): Promise<[CallerContext, Place]> {
    const caller = callerOf(context);
    rates.mark.take(caller);
    return [caller, await places.of(caller, conversation)];
  }

  /** A group as its member finds it who opens it; undefined: the caller is not in it. */
  async function opened(caller: CallerContext, conversation: string): Promise<GroupPlace | undefined> {
    return index.ifMember(caller, conversation, async () => {
      const place = (await places.of(caller, conversation)) as GroupPlace;
      await groups.showName(caller, conversation, place.member);
      await receipts.enter(place.group, caller.user, place.since);
      return place;
    });
  }

  return implementService(
    conversationDefinition,
    {
      async send({ to, conversation, text: raw, receipt }, context) {
        const caller = callerOf(context);
        const text = checkedText(raw, TEXT_RULES);
        const key = messageIdOf(context, caller, 'conversation.send');
        rates.message.take(caller);
        // The definition lets exactly one of them through.
        const place = to === undefined ? await places.of(caller, conversation as string) : places.with(caller, to);
        if (place.kind === 'direct') {
          const pair = { ...caller, user: `${caller.user} ${place.peer}` };
          await rates.unanswered.takeUnless(pair, () => places.isAnswered(place));
        }
        const sent = await messages.send(caller, place, { key, text, receipt });
        return { conversation: place.conversation, ...sent };
      },

      async history({ conversation, with: peer, ...range }, context) {
        const caller = looking(context);
        const place = peer === undefined ? await places.of(caller, conversation as string) : places.with(caller, peer);
        const owner = groupOf(caller, userGroup(caller.user));
        const own = (await ownStates(records, owner, [place.conversation])).get(place.conversation) ?? NOTHING_SET;
        const page = await readHistory({ log, takenBack }, { place, own }, range);
        return { conversation: place.conversation, ...page, entries: [...page.entries] };
      },

      async list(range, context) {
        const page = await list.page(looking(context), { before: undefined, ...range });
        return { ...page, conversations: [...page.conversations] };
      },

      async open({ conversations, after }, context) {
        const caller = looking(context);
        const chosen =
          conversations === undefined
            ? await index.someGroups(caller, { after, limit: MAX_OPENED })
            : { groups: conversations.filter((each) => kindOf(each) === 'group'), more: false };
        const reachable = new Reachable();
        const open = (each: string) => reachable.ask(each, () => opened(caller, each));
        const all = await Promise.all([...new Set(chosen.groups)].map(open));
        const found = all.filter((place) => place !== undefined);
        addEffects(context, ...found.map(letIn));
        return {
          conversations: found.map(({ conversation, info, member }) => {
            return { conversation, name: info.name, members: info.count, role: member.role };
          }),
          after: chosen.more ? chosen.groups.at(-1) : undefined,
          unavailable: reachable.unavailable,
        };
      },

      async read({ conversation, version: upTo }, context) {
        const [caller, place] = await marking(context, conversation);
        const read = await states.read(caller, place, upTo);
        await receipts.read(place.group, caller.user, read);
        return { read };
      },

      async mute({ conversation, muted }, context) {
        const [caller, place] = await marking(context, conversation);
        await states.mute(caller, place, muted);
        return {};
      },

      async forget({ conversation, versions, upTo }, context) {
        const [caller, place] = await marking(context, conversation);
        await states.forget(caller, place, { versions, upTo });
        return {};
      },

      async takeBack({ conversation, version: taken }, context) {
        const [caller, place] = await marking(context, conversation);
        return { version: await messages.takeBack(caller, place, taken) };
      },

      async create({ name, members, history }, context) {
        const { caller } = changing(context);
        const conversation = groupConversation(messageIdOf(context, caller, 'conversation.create'));
        const users = [...new Set(members)].filter((user) => user !== caller.user);
        const called = checkedText(name, NAME_RULES);
        const refused = await groups.create(caller, conversation, { name: called, users, history });
        const place = await opened(caller, conversation);
        if (place !== undefined) addEffects(context, letIn(place));
        return { conversation, refused: [...refused] };
      },

      async invite({ conversation, users }, context) {
        const { caller } = changing(context);
        return { refused: [...(await groups.invite(caller, conversation, [...new Set(users)]))] };
      },

      async leave({ conversation }, context) {
        const { caller } = changing(context);
        await groups.leave(caller, conversation);
        addEffects(context, { type: 'leave', group: conversation });
        return {};
      },

      async remove({ conversation, user }, context) {
        const { caller, act } = changing(context);
        await groups.change(caller, conversation, [user], (state) => remove(state, act, user));
        return {};
      },

      async setRole({ conversation, user, role }, context) {
        const { caller, act } = changing(context);
        await groups.change(caller, conversation, [user], (state) => setRole(state, act, { user, role }));
        return {};
      },

      async rename({ conversation, name: raw }, context) {
        const { caller, act } = changing(context);
        const name = checkedText(raw, NAME_RULES);
        await groups.change(caller, conversation, [], (state) => rename(state, act, name));
        return {};
      },

      async members({ conversation, cursor, limit }, context) {
        const caller = looking(context);
        const { group } = await places.of(caller, conversation);
        const page = await groupRecords.page(group, { cursor, limit });
        const members = page.members.map(({ user, name, role, since }) => ({ user, name, role, since }));
        return { members, cursor: page.cursor };
      },
    },
    { version },
  );
}

/** What was said before somebody came is shown to that person nowhere. */
function letIn({ conversation, since }: GroupPlace): Effect {
  return { type: 'join', group: conversation, ...(since > 0 && { after: since }) };
}
