/** Owns: finding with whom somebody wrote last, from the notices in that person's log. */
import { decodeJson } from '@im/rpc';
import type { LogReader } from '@im/timeline';
import { MESSAGE_EVENT, type Message } from './conversation.js';

/** Notices looked at: conversations that are older are found when something new is written in them. */
const MAX_NOTICES = 2_000;
const PAGE = 200;

export interface RecentConversation {
  /** The name is known once the peer wrote something among the notices looked at. */
  peer: { user: string; name?: string };
  last: Message;
}

/** Newest first, one per peer. */
export async function recentConversations(
  log: LogReader,
  group: string,
  user: string,
  limit: number,
): Promise<RecentConversation[]> {
  const byPeer = new Map<string, RecentConversation>();
  let before = Number.MAX_SAFE_INTEGER;
  for (let seen = 0; seen < MAX_NOTICES && byPeer.size < limit; seen += PAGE) {
    const page = await log.read(group, { before, limit: PAGE });
    for (const entry of page.entries) {
      if (entry.event === MESSAGE_EVENT) collect(byPeer, user, limit, decodeJson(entry.body) as Message);
    }
    const oldest = page.entries.at(-1)?.version;
    if (oldest === undefined || oldest <= page.first) break;
    before = oldest;
  }
  return [...byPeer.values()];
}

function collect(byPeer: Map<string, RecentConversation>, user: string, limit: number, notice: Message): void {
  const peer = notice.from.user === user ? notice.to : notice.from.user;
  let conversation = byPeer.get(peer);
  if (conversation === undefined) {
    if (byPeer.size >= limit) return;
    conversation = { peer: { user: peer }, last: notice };
    byPeer.set(peer, conversation);
  }
  if (notice.from.user === peer) conversation.peer.name ??= notice.from.name;
}
