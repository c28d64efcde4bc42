/** Owns: which conversation a call means, and whether its caller may be there. */
import { type CallerContext, userGroup } from '@im/protocol';
import type { LogReader } from '@im/timeline';
import { applicationError } from '../application-errors.js';
import { groupOf } from '../call.js';
import type { GroupInfo, GroupMember } from './chat-group.js';
import type { ChatGroups } from './chat-groups.js';
import { messageIn, peopleIn } from './conversation-entry.js';
import { directConversation, kindOf } from './conversation-id.js';

interface AnyPlace {
  readonly conversation: string;
  /** The conversation as on the bus: its log, the owner of its records. */
  readonly group: string;
  /** Entries up to this version are not the caller's to see. */
  readonly since: number;
}

export interface DirectPlace extends AnyPlace {
  readonly kind: 'direct';
  readonly peer: string;
}

export interface GroupPlace extends AnyPlace {
  readonly kind: 'group';
  readonly info: GroupInfo;
  readonly member: GroupMember;
}

/** A conversation that the caller is in. */
export type Place = DirectPlace | GroupPlace;

/** Entries looked at for the two people of a conversation: each names both, but for those that a backend wrote. */
const LOOKED_AT = 8;

/** Entries looked at for an answer. */
const LATEST = 100;

export class Places {
  readonly #log: LogReader;
  readonly #groups: ChatGroups;

  constructor({ log, groups }: { readonly log: LogReader; readonly groups: ChatGroups }) {
    this.#log = log;
    this.#groups = groups;
  }

  /**
   * The conversation of that id.
   * @throws ImError CONVERSATION_UNKNOWN where there is none, or not for the caller; as LogReader.read and RecordReader.get
   */
  async of(caller: CallerContext, conversation: string): Promise<Place> {
    if (kindOf(conversation) === 'direct') return this.#direct(caller, conversation);
    const { info, member } = await this.#groups.membership(caller, conversation);
    const since = member.joined;
    return { kind: 'group', conversation, group: groupOf(caller, conversation), since, info, member };
  }

  /** The conversation with somebody, whether anything was said in it or not. @throws ImError MESSAGE_TO_SELF */
  with(caller: CallerContext, peer: string): DirectPlace {
    if (peer === caller.user) throw applicationError('MESSAGE_TO_SELF');
    return directPlace(caller, directConversation(caller.user, peer), peer);
  }

  /** Whether the peer has written any of the latest messages. @throws ImError as LogReader.read */
  async isAnswered({ group, peer }: DirectPlace): Promise<boolean> {
    const { entries } = await this.#log.read(group, { before: Number.MAX_SAFE_INTEGER, limit: LATEST });
    return entries.some((entry) => messageIn(entry)?.from.user === peer);
  }

  async #direct(caller: CallerContext, conversation: string): Promise<DirectPlace> {
    const range = { before: Number.MAX_SAFE_INTEGER, limit: LOOKED_AT };
    const { entries } = await this.#log.read(groupOf(caller, conversation), range);
    for (const entry of entries) {
      const [one, other] = peopleIn(entry) ?? [];
      const peer = one === caller.user ? other : one;
      // That the id follows from both proves that the caller is one of them.
      if (peer !== undefined && directConversation(caller.user, peer) === conversation) {
        return directPlace(caller, conversation, peer);
      }
    }
    throw applicationError('CONVERSATION_UNKNOWN');
  }
}

/** The groups of those who hear of what happens in a conversation of two: every device of both. */
export function notifiedGroups(caller: CallerContext, { peer }: DirectPlace): readonly string[] {
  return [peer, caller.user].map((user) => groupOf(caller, userGroup(user)));
}

function directPlace(caller: CallerContext, conversation: string, peer: string): DirectPlace {
  return { kind: 'direct', conversation, group: groupOf(caller, conversation), since: 0, peer };
}
