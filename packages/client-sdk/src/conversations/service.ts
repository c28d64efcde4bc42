/** What the services `conversation` and `receipt` take, answer and push, as apps/workers/README.md describes it: types only. */
import type { Reach, ReceiptSums } from './receipts.js';

export interface Person {
  readonly user: string;
  readonly name: string;
}

export type Role = 'owner' | 'admin' | 'member';

/** What has a version in the log of a conversation. Events that are not known count, and are not shown. */
export interface Entry {
  readonly version: number;
  /** `message`, `members`, `renamed`, `taken-back`. */
  readonly event: string;
  readonly data: unknown;
}

export interface MessageData {
  readonly id: string;
  readonly from: Person;
  /** The other one of two. */
  readonly to?: string;
  /** Absent when it was taken back. */
  readonly text?: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly takenBack?: boolean;
  /** The sender asked how far it comes. */
  readonly receipt?: boolean;
}

export interface TakenBackData {
  /** The version of the message. */
  readonly of: number;
  readonly by: Person;
  readonly at: number;
}

/** Who came, went, or has another role: one of these. */
export interface MembersData {
  readonly by: Person;
  readonly at: number;
  readonly added?: readonly string[];
  readonly removed?: readonly string[];
  readonly left?: string;
  /** Who owns the group since its owner left. */
  readonly owner?: string;
  readonly role?: { readonly user: string; readonly role: Role };
  /** Of the group, when it was created. */
  readonly name?: string;
}

export interface RenamedData {
  readonly by: Person;
  readonly at: number;
  readonly name: string;
}

/** A conversation as the list shows it. */
export interface Summary {
  /** `d:<hash>` of two people, `g:<name>` of a group. */
  readonly conversation: string;
  readonly kind: 'direct' | 'group';
  /** The other one of two; the name is known once that person wrote. */
  readonly peer?: { readonly user: string; readonly name?: string };
  /** These three of a group. */
  readonly name?: string;
  readonly members?: number;
  readonly role?: Role;
  /** The latest message. */
  readonly last?: Entry;
  /** When something happened last, milliseconds since 1970. */
  readonly at: number;
  /** Messages of others above `read`; 100 stands for more than 99. */
  readonly unread: number;
  /** Up to where this person has read, on whichever device. */
  readonly read: number;
  readonly muted: boolean;
  readonly epoch: string;
  /** The head of the conversation's log. */
  readonly version: number;
}

/** Newest first, or oldest first after a version; `before` and `after` lead on. */
export interface History {
  readonly conversation: string;
  readonly entries: readonly Entry[];
  readonly before?: number;
  readonly after?: number;
  readonly epoch: string;
  readonly version: number;
}

export interface SummaryPage {
  readonly conversations: readonly Summary[];
  readonly before?: string;
}

export interface OpenedPage {
  readonly conversations: readonly { readonly conversation: string }[];
  readonly after?: string;
}

export interface ReceiptAnswer {
  readonly receipts: readonly ({ readonly version: number } & Reach)[];
}

export interface Sent {
  readonly id: string;
  readonly conversation: string;
  readonly version: number;
  readonly at: number;
}

/** What comes on `u:<user>`: each event has some of these. */
export interface Notice extends MessageData {
  readonly conversation: string;
  readonly version: number;
  readonly change: 'added' | 'removed';
  readonly read: number;
  readonly muted: boolean;
  readonly versions?: readonly number[];
  readonly upTo?: number;
}

/** What `receipt` brings there. */
export interface ReceiptNotice {
  readonly receipts?: readonly ReceiptSums[];
}
