/**
 * Owns: what stands in the log of a conversation, and reading it. Backends may write there as well: what has another shape is
 * shown as it is, and counts as nobody's message.
 */
import { decodeJson } from '@im/rpc';
import type { Entry } from '@im/timeline';
import type { Person } from '../call.js';
import type { Role } from './role.js';

export const MESSAGE_EVENT = 'message';
export const TAKEN_BACK_EVENT = 'taken-back';
export const MEMBERS_EVENT = 'members';
export const RENAMED_EVENT = 'renamed';

/** The place of an entry in the log is its version. */
export interface MessageData {
  readonly id: string;
  readonly from: Person;
  /** In a conversation of two. */
  readonly to?: string;
  readonly text: string;
  /** Its author asked how many have it, and have read it. */
  readonly receipt?: boolean;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface TakenBackData {
  /** Version of the message. */
  readonly of: number;
  readonly by: Person;
  /** In a conversation of two. */
  readonly to?: string;
  readonly at: number;
}

/** Who came, went or has another role; one of these. */
export interface MembersData {
  readonly by: Person;
  readonly at: number;
  readonly added?: readonly string[];
  readonly removed?: readonly string[];
  readonly left?: string;
  /** With `left`: who owns the group now. */
  readonly owner?: string;
  readonly role?: { readonly user: string; readonly role: Role };
  /** With the first `added`: what the group is called. */
  readonly name?: string;
}

export interface RenamedData {
  readonly by: Person;
  readonly at: number;
  readonly name: string;
}

/** An entry as people get it. */
export interface ShownEntry {
  readonly version: number;
  readonly event: string;
  readonly data: unknown;
}

/** What a body says; undefined: it is no JSON. Backends write what they like. */
export function saidIn({ body }: Pick<Entry, 'body'>): unknown {
  try {
    return decodeJson(body);
  } catch {
    return undefined;
  }
}

/** A message in a log. Undefined: the entry is none. */
export function messageIn({ event, body }: Pick<Entry, 'event' | 'body'>): MessageData | undefined {
  if (event !== MESSAGE_EVENT) return undefined;
  const data = saidIn({ body }) as Partial<MessageData> | null | undefined;
  return typeof data?.from?.user === 'string' ? (data as MessageData) : undefined;
}

/** The two whose conversation the entry stands in: each of its entries names both. */
export function peopleIn(entry: Pick<Entry, 'body'>): readonly [string, string] | undefined {
  const { from, by, to } = (saidIn(entry) ?? {}) as { from?: Person; by?: Person; to?: string };
  const author = (from ?? by)?.user;
  return author === undefined || to === undefined ? undefined : [author, to];
}

/** @param takenBack whether what was said is no longer to be shown */
export function shownEntry(entry: Entry, takenBack: boolean): ShownEntry {
  const { version, event } = entry;
  const data = saidIn(entry);
  if (!takenBack) return { version, event, data };
  const { text: _, ...rest } = data as MessageData;
  return { version, event, data: { ...rest, takenBack: true } };
}
