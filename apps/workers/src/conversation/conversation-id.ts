/** Owns: how conversations are called. */
import { isGroupId, isName } from '@im/protocol';
import { z } from 'zod';
import { digest } from '../digest.js';

/** `d`: of two people. `g`: of a chat group. */
export type ConversationKind = 'direct' | 'group';

/** `d:<hash of both ids>`, the same from either side. Found from the ids of the two: what a caller says it is called proves nothing. */
export function directConversation(user: string, peer: string): string {
  const [first, second] = user < peer ? [user, peer] : [peer, user];
  return `d:${digest(first, second)}`;
}

/** The chat group that one message id stands for: creating it again with the same key is the same group. */
export function groupConversation(id: string): string {
  return `g:${id.slice(0, 22)}`;
}

/** Only for ids that {@link conversationId} let through. */
export function kindOf(conversation: string): ConversationKind {
  return conversation.startsWith('d:') ? 'direct' : 'group';
}

export const conversationId = z.string().refine((id) => /^[dg]:/.test(id) && isGroupId(id), {
  message: 'a conversation is d: or g: and a name',
});

export const userId = z.string().refine(isName, { message: 'not a user id' });
