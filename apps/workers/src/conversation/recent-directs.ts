/**
 * Owns: finding with whom somebody wrote last, from the notices in that person's log: each message left one there, so that the log is
 * the order of the conversations of two.
 */
import { decodeJson } from '@im/rpc';
import type { LogReader } from '@im/timeline';
import { MESSAGE_EVENT, type MessageData } from './conversation-entry.js';

/** Notices looked at for one page; the next one goes on behind them. */
const MAX_NOTICES = 2_000;
const PAGE = 200;

/** A message of a conversation of two, as both people are told of it. */
interface MessageNotice extends MessageData {
  readonly conversation: string;
  readonly version: number;
  readonly to: string;
}

export interface RecentDirect {
  readonly conversation: string;
  readonly peer: string;
  /** Of its latest message among those looked at, in the conversation. */
  readonly version: number;
  readonly at: number;
  /** Of that message's notice, in the person's log. */
  readonly notice: number;
}

export interface RecentDirects {
  /** Newest first, each once. */
  readonly directs: readonly RecentDirect[];
  /** Notice behind which older ones are found; undefined: there are none. */
  readonly next: number | undefined;
}

/**
 * @param group `u:<user>` as on the bus
 * @throws ImError as LogReader.read
 */
export async function recentDirects(
  log: LogReader,
  { group, user }: { readonly group: string; readonly user: string },
  { before, limit }: { readonly before: number; readonly limit: number },
): Promise<RecentDirects> {
  const found = new Map<string, RecentDirect>();
  let next = before;
  for (let seen = 0; seen < MAX_NOTICES; seen += PAGE) {
    const page = await log.read(group, { before: next, limit: PAGE });
    for (const entry of page.entries) {
      if (found.size === limit) return { directs: [...found.values()], next };
      next = entry.version;
      if (entry.event !== MESSAGE_EVENT) continue;
      const { conversation, version, from, to, at } = decodeJson(entry.body) as Partial<MessageNotice>;
      // Backends may send events of that name, too.
      if (!conversation?.startsWith('d:') || found.has(conversation)) continue;
      if (version === undefined || from === undefined || to === undefined || at === undefined) continue;
      const peer = from.user === user ? to : from.user;
      found.set(conversation, { conversation, peer, version, at, notice: entry.version });
    }
    if (page.entries.length === 0 || next <= page.first) return { directs: [...found.values()], next: undefined };
  }
  return { directs: [...found.values()], next };
}
