/** Owns: what somebody is in a chat group. */
import { z } from 'zod';

export const role = z.enum(['owner', 'admin', 'member']);

export type Role = z.infer<typeof role>;

const RANKS: Readonly<Record<Role, number>> = { owner: 2, admin: 1, member: 0 };

/** Whether one may decide about the other. */
export function outranks(one: Role, other: Role): boolean {
  return RANKS[one] > RANKS[other];
}
