/**
 * Owns: finding with whom somebody wrote last, from the notices in that person's log: each message left one there, so that the log is
 * the order of the conversations of two.
 */
import type { LogReader } from '@im/timeline';
import { z } from 'zod';
import { MESSAGE_EVENT, saidIn } from './conversation-entry.js';
import { directConversation, userId } from './conversation-id.js';

/** Notices looked at for one page; the next one goes on behind them. */
const MAX_NOTICES = 2_000;
const PAGE = 200;

/** What is needed of a message of two people, as both are told of it. Backends may send events of that name, too. */
const messageNotice = z.object({
  conversation: z.string(),
  version: z.int().min(1),
  from: z.object({ user: userId }),
  to: userId,
  at: z.number(),
});

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
      const { data } = messageNotice.safeParse(saidIn(entry));
      if (data === undefined || found.has(data.conversation)) continue;
      const { conversation, version, from, to, at } = data;
      const peer = from.user === user ? to : from.user;
      if (peer === user || directConversation(user, peer) !== conversation) continue;
      found.set(conversation, { conversation, peer, version, at, notice: entry.version });
    }
    if (page.entries.length === 0 || next <= page.first) return { directs: [...found.values()], next: undefined };
  }
  return { directs: [...found.values()], next };
}
