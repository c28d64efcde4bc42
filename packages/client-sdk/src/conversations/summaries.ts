/**
 * The list of conversations: the latest message of each, what is unread, newest first. Pure state, fed by the service's answers and by
 * what comes live, in whatever order. Must not know connections.
 */
import { changed, messageIn, takenBackIn, timeOf, withoutText } from './entry.js';
import type { Entry, Summary } from './service.js';

/** Conversations kept, those in which something happened last; the service has the others. */
const MAX_SUMMARIES = 1_000;
/** Stands for all that are more. */
const MANY_UNREAD = 100;

export interface Summaries {
  /** Newest first. Another array after each change, and only then. */
  readonly list: readonly Summary[];
  /** Of conversations that are not muted; at least so many when one of them has {@link MANY_UNREAD}. */
  readonly unread: number;
  get(conversation: string): Summary | undefined;
  /** The conversation with this person. */
  with(user: string): Summary | undefined;
  /** What the service says of a conversation. What came live meanwhile counts on top of it. False: it is to be asked again. */
  answer(summary: Summary): boolean;
  /** An entry as it comes. False: the service is to be asked, who knows more of the conversation. */
  take(conversation: string, entry: Entry, me: string): boolean;
  /** Read so far, here or on another device. False: the service knows better how many are left. */
  read(conversation: string, version: number): boolean;
  change(conversation: string, change: Partial<Summary>): void;
  remove(conversation: string): void;
}

interface Known {
  /** `unread` is of what the service counted. */
  readonly said: Summary;
  /** The head of the log when the service counted. */
  readonly counted: number;
  /** Versions of others' messages above that, which nobody here has read. */
  readonly fresh: readonly number[];
  readonly shown: Summary;
}

export function createSummaries(): Summaries {
  const conversations = new Map<string, Known>();
  let list: readonly Summary[] | undefined;

  function set({ said, counted, fresh }: Omit<Known, 'shown'>): void {
    const shown = { ...said, unread: Math.min(said.unread + fresh.length, MANY_UNREAD) };
    conversations.set(said.conversation, { said, counted, fresh: fresh.slice(-MANY_UNREAD), shown });
    list = undefined;
  }

  function sorted(): readonly Summary[] {
    const all = [...conversations.values()].map(({ shown }) => shown).sort((one, other) => other.at - one.at);
    for (const { conversation } of all.splice(MAX_SUMMARIES)) conversations.delete(conversation);
    return all;
  }

  function read(conversation: string, version: number): boolean {
    const known = conversations.get(conversation);
    // An answer that is on its way may have been given before.
    if (!known) return false;
    const { said, counted, fresh } = known;
    if (version <= said.read) return true;
    // Of those that the service counted at most so many are left.
    const unread = Math.min(said.unread, Math.max(0, counted - version));
    set({ said: { ...said, read: version, unread }, counted, fresh: fresh.filter((one) => one > version) });
    return unread === 0;
  }

  return {
    get list() {
      list ??= sorted();
      return list;
    },
    get unread() {
      let sum = 0;
      for (const { shown } of conversations.values()) if (!shown.muted) sum += shown.unread;
      return sum;
    },
    get: (conversation) => conversations.get(conversation)?.shown,
    with(user) {
      for (const { shown } of conversations.values()) if (shown.peer?.user === user) return shown;
      return undefined;
    },
    answer(summary) {
      const { conversation, version, epoch, read: readUpTo } = summary;
      const known = conversations.get(conversation);
      if (known?.said.epoch !== epoch) {
        set({ said: summary, counted: version, fresh: [] });
        return true;
      }
      // Overtaken by a later answer.
      if (version < known.counted) return true;
      const { said, fresh } = known;
      set({
        said:
          said.version > version
            ? { ...summary, version: said.version, at: said.at, ...(said.last && { last: said.last }) }
            : summary,
        counted: version,
        fresh: fresh.filter((one) => one > version && one > readUpTo),
      });
      // Read here while the answer was on its way.
      return read(conversation, said.read);
    },
    take(conversation, entry, me) {
      const known = conversations.get(conversation);
      if (!known) return false;
      const { version } = entry;
      const { said, counted, fresh } = known;
      const message = messageIn(entry);
      const of = takenBackIn(entry);
      const isNew = version > said.version;
      const isUnread = version > counted && version > said.read && !fresh.includes(version);
      const { last } = said;
      set({
        said: {
          ...said,
          ...(isNew && { version, at: timeOf(entry) ?? said.at, ...changed(said, entry, me) }),
          ...(message && version >= (last?.version ?? 0) && { last: entry }),
          ...(last && last.version === of && { last: withoutText(last) }),
        },
        counted,
        fresh:
          message && message.from.user !== me && isUnread ? [...fresh, version] : fresh.filter((one) => one !== of),
      });
      // Who writes has read what stood there.
      if (message?.from.user === me) return read(conversation, version);
      return of === undefined || of > counted || of <= said.read || said.unread === 0;
    },
    read,
    change(conversation, change) {
      const known = conversations.get(conversation);
      if (known) set({ ...known, said: { ...known.said, ...change } });
    },
    remove(conversation) {
      if (conversations.delete(conversation)) list = undefined;
    },
  };
}
