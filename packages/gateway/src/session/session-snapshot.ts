/**
 * What of a session survives its connection: kept in memory by the gateway that held it, and carried by the client in
 * its ticket (ticket.ts) to any other. Plain data.
 */
import type { Attributes, Position } from '@im/protocol';

export interface SessionSnapshot {
  readonly session: string;
  readonly user: string;
  readonly device: string;
  readonly product?: string;
  /** Joined by calls, without product; `u:` and `r:0` go without saying. */
  readonly groups: readonly string[];
  /** Of those groups of which something is not for this client: up to which version. */
  readonly shownAfter?: Readonly<Record<string, number>>;
  readonly attributes: Attributes;
  /** When the session signed in, in milliseconds since 1970. */
  readonly begunAt: number;
  /** Position of the latest call among the calls of the session. */
  readonly sequence: number;
  /** Up to here the removals in the log of `u:<user>` have been applied. */
  readonly userPosition: Position;
}
