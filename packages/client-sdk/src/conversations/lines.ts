/** What a conversation shows, line by line: what is stored, what is on its way, and how far one's own messages came. Pure. */
import { messageIn } from './entry.js';
import type { Outbox, Outgoing } from './outbox.js';
import type { Reach } from './receipts.js';
import type { Entry, MembersData, Person, RenamedData } from './service.js';

/** `sending`: not acknowledged yet; `sent`: stored; `delivered`, `read`: by everybody; `failed`: refused, see `error`. */
export type SendState = 'sending' | 'sent' | 'delivered' | 'read' | 'failed';

export interface MessageLine {
  readonly kind: 'message';
  /** Of this line alone; a message has another one once it is stored. */
  readonly key: string;
  /** Undefined until it is stored. */
  readonly version?: number;
  readonly from: Person;
  /** Empty when it was taken back. */
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly mine: boolean;
  readonly takenBack: boolean;
  /** Of one's own. */
  readonly state?: SendState;
  /** How many have it and have read it, where that was asked and told. */
  readonly reach?: Reach;
  readonly error?: unknown;
}

/** Something that happened to a group. */
export type EventLine = { readonly kind: 'event'; readonly key: string; readonly version: number } & (
  | { readonly event: 'members'; readonly data: MembersData }
  | { readonly event: 'renamed'; readonly data: RenamedData }
);

export type Line = MessageLine | EventLine;

/** What is stored. */
export function storedLines(
  entries: readonly Entry[],
  me: string,
  reachOf: (version: number) => Reach | undefined,
): Line[] {
  return entries.flatMap((entry): Line[] => {
    const { version, event, data } = entry;
    const key = String(version);
    const message = messageIn(entry);
    if (message) {
      const { from, text = '', at, takenBack = false } = message;
      const mine = from.user === me;
      const reach = mine && !takenBack ? reachOf(version) : undefined;
      const state = mine && !takenBack && { state: stateOf(reach) };
      return [{ kind: 'message', key, version, from, text, at, mine, takenBack, ...state, ...(reach && { reach }) }];
    }
    return event === 'members' || event === 'renamed' ? [{ kind: 'event', key, version, event, data } as Line] : [];
  });
}

/** What is on its way, behind what is stored. */
export function outgoingLines(entries: readonly Entry[], { items, current }: Outbox, me: string): Line[] {
  // The stored copy of the one under way may come before its acknowledgement, which will say whether this was it.
  const isHere =
    current &&
    entries.some((entry) => {
      const message = entry.version > current.above ? messageIn(entry) : undefined;
      return message?.from.user === me && message.text === current.item.text;
    });
  return items.filter(({ key }) => !isHere || key !== current?.item.key).map((item) => outgoingLine(item, me));
}

function outgoingLine({ key, text, at, state, error }: Outgoing, me: string): MessageLine {
  const from = { user: me, name: me };
  return {
    kind: 'message',
    key,
    from,
    text,
    at,
    mine: true,
    takenBack: false,
    state,
    ...(state === 'failed' && { error }),
  };
}

function stateOf({ of, delivered, read }: Reach = { of: 0, delivered: 0, read: 0 }): SendState {
  if (of === 0) return 'sent';
  return read >= of ? 'read' : delivered >= of ? 'delivered' : 'sent';
}
