/**
 * Some of the people for whom a push is that asked, and who of them has it. State alone: must not know where it is kept, nor how far
 * people are.
 */
import { digest } from '../digest.js';

/** Where the push is in the log of this person. */
export type PushEntry = readonly [user: string, epoch: string, version: number];

export interface PushShare {
  readonly waiting: readonly PushEntry[];
  /** Who has it: for good, whatever becomes of their logs. */
  readonly have: readonly string[];
}

export const NO_SHARE: PushShare = { waiting: [], have: [] };

/** In which of 64 shares a person is: few enough in each, whatever names people have, that it is one record. */
export function shareOf(user: string): string {
  return digest(user).charAt(0);
}

/** With these, each person once; who has it, has it. */
export function withEntries({ waiting, have }: PushShare, entries: readonly PushEntry[]): PushShare {
  const all = new Map(waiting.map((entry) => [entry[0], entry]));
  const done = new Set(have);
  for (const entry of entries) if (!done.has(entry[0])) all.set(entry[0], entry);
  return { waiting: [...all.values()], have };
}

/** These have it. */
export function withHaving({ waiting, have }: PushShare, users: ReadonlySet<string>): PushShare {
  const found = waiting.flatMap(([user]) => (users.has(user) ? [user] : []));
  return { waiting: waiting.filter(([user]) => !users.has(user)), have: [...have, ...found] };
}
