/**
 * Private conversations as this page knows them: latest message and unread count of each, messages of those opened.
 * No elements here, and no connection: messages come in, listeners hear of it.
 */
import type { PrivateMessage } from './api.js';

export interface Conversation {
  readonly peer: string;
  readonly name: string;
  readonly last: PrivateMessage;
  readonly unread: number;
}

/** Conversations kept, the latest; the server has the rest. */
const MOST_CONVERSATIONS = 200;

export class Inbox {
  readonly #conversations = new Map<string, Conversation>();
  readonly #listeners = new Set<(message: PrivateMessage | undefined) => void>();
  #open: string | undefined;

  constructor(readonly me: string) {}

  /** Latest first. */
  get conversations(): readonly Conversation[] {
    return [...this.#conversations.values()].sort((a, b) => b.last.at - a.last.at);
  }

  get unread(): number {
    let sum = 0;
    for (const { unread } of this.#conversations.values()) sum += unread;
    return sum;
  }

  /** A message that just arrived: counts as unread unless its conversation is open or it is mine. */
  receive(message: PrivateMessage): void {
    const { peer } = this.#keep(message);
    const mine = message.from.user === this.me;
    if (!mine && this.#open !== peer) this.#change(peer, (was) => ({ ...was, unread: was.unread + 1 }));
    this.#tell(message);
  }

  /** The latest message of a conversation, as the server lists it on arrival. */
  recall(message: PrivateMessage, name: string | undefined): void {
    const { peer } = this.#keep(message);
    if (name !== undefined) this.#change(peer, (was) => ({ ...was, name }));
    this.#tell(undefined);
  }

  /** Marks a conversation as being looked at; undefined when none is. */
  look(peer: string | undefined): void {
    this.#open = peer;
    if (peer !== undefined) this.#change(peer, (was) => ({ ...was, unread: 0 }));
    this.#tell(undefined);
  }

  nameOf(peer: string): string {
    return this.#conversations.get(peer)?.name ?? peer;
  }

  /** Called with each new message, and with undefined for other changes. */
  listen(listener: (message: PrivateMessage | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #keep(message: PrivateMessage): Conversation {
    const mine = message.from.user === this.me;
    const peer = mine ? message.to : message.from.user;
    const known = this.#conversations.get(peer);
    const name = mine ? (known?.name ?? peer) : message.from.name;
    const last = known && known.last.version > message.version ? known.last : message;
    const kept = { peer, name, last, unread: known?.unread ?? 0 };
    this.#conversations.set(peer, kept);
    if (this.#conversations.size > MOST_CONVERSATIONS) {
      const oldest = this.conversations.at(-1);
      if (oldest) this.#conversations.delete(oldest.peer);
    }
    return kept;
  }

  #change(peer: string, change: (was: Conversation) => Conversation): void {
    const was = this.#conversations.get(peer);
    if (was) this.#conversations.set(peer, change(was));
  }

  #tell(message: PrivateMessage | undefined): void {
    for (const listener of this.#listeners) listener(message);
  }
}

/** The other one of a message's two people, seen from me. */
export function peerOf(message: PrivateMessage, me: string): string {
  return message.from.user === me ? message.to : message.from.user;
}
