/** Owns: what a conversation of two is called, and what a message in it is. */
import { z } from 'zod';
import { digest } from '../digest.js';

export const MESSAGE_EVENT = 'message';

/** What stands in the conversation's log; its place there is the version. */
export interface StoredMessage {
  readonly id: string;
  readonly from: { readonly user: string; readonly name: string };
  readonly to: string;
  readonly text: string;
  readonly at: number;
}

/** A message as its two people get it. */
export const message = z.object({
  id: z.string(),
  /** `d:<hash>` */
  conversation: z.string(),
  version: z.number(),
  from: z.object({ user: z.string(), name: z.string() }),
  to: z.string(),
  text: z.string(),
  at: z.number(),
});

export type Message = z.infer<typeof message>;

/**
 * `d:<hash of both ids>`, the same from either side. Callers are always one of the two, so that nobody can name a
 * conversation of others.
 */
export function conversationOf(user: string, peer: string): string {
  const [first, second] = user < peer ? [user, peer] : [peer, user];
  return `d:${digest(first, second)}`;
}

export function messageAt(conversation: string, version: number, { id, from, to, text, at }: StoredMessage): Message {
  return { id, conversation, version, from, to, text, at };
}
