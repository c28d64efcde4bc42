/**
 * The states of a connection and every way from one to another. Nothing else changes a connection's state.
 *
 * | from           | to             | cause |
 * |----------------|----------------|-------|
 * | awaiting-hello | authenticating | hello |
 * | awaiting-hello | closed         | no hello in time (4003), anything else (4507), malformed (4500), too large (4501), flood (4008), stop (4000), link gone |
 * | authenticating | open           | admitted: welcome |
 * | authenticating | closed         | refused (4502, 4007, 4005, 4503), no room for it or not let in in time (4004), as above |
 * | open           | closed         | as above, and: silence (4001), unread bytes (4002), token expired (4007), removed (4503), taken over (4505) |
 */
import type { Session } from '../session/session.js';
import type { Application } from './application.js';

export type ConnectionState =
  | { readonly phase: 'awaiting-hello' }
  | { readonly phase: 'authenticating'; readonly application: Application }
  | { readonly phase: 'open'; readonly session: Session }
  | { readonly phase: 'closed' };

const NEXT: Record<ConnectionState['phase'], readonly ConnectionState['phase'][]> = {
  'awaiting-hello': ['authenticating', 'closed'],
  authenticating: ['open', 'closed'],
  open: ['closed'],
  closed: [],
};

/** Whether the edge exists. */
export function mayBecome(from: ConnectionState, to: ConnectionState): boolean {
  return NEXT[from.phase].includes(to.phase);
}
