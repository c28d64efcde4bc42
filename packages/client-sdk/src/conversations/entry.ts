/** What the entries of a conversation's log say. Backends write there too: what has another shape counts as nobody's message. */
import type { Entry, MembersData, MessageData, RenamedData, Role, Summary, TakenBackData } from './service.js';

export function messageIn({ event, data }: Entry): MessageData | undefined {
  const message = data as MessageData | null | undefined;
  return event === 'message' && typeof message?.from?.user === 'string' ? message : undefined;
}

/** The version of the message that the entry takes back. */
export function takenBackIn({ event, data }: Entry): number | undefined {
  return event === 'taken-back' ? (data as TakenBackData | null)?.of : undefined;
}

/** The message as it is shown once it was taken back. */
export function withoutText(entry: Entry): Entry {
  const { text: _, ...data } = entry.data as MessageData;
  return { ...entry, data: { ...data, takenBack: true } };
}

/** When it happened, where it says so. */
export const timeOf = ({ data }: Entry): number | undefined => (data as { at?: number } | null)?.at;

/** What becomes of a group's summary by an entry that is no message. */
export function changed(summary: Summary, { event, data }: Entry, me: string): Partial<Summary> {
  if (event === 'renamed') return { name: (data as RenamedData).name };
  if (event !== 'members') return {};
  const { added = [], removed = [], left, role, owner } = data as MembersData;
  const members = (summary.members ?? 0) + added.length - removed.length - Number(left !== undefined);
  const mine: Role | undefined = owner === me ? 'owner' : role?.user === me ? role.role : undefined;
  return { members, ...(mine && { role: mine }) };
}
