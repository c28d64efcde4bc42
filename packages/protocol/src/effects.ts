/**
 * What workers and gateways tell each other beside the body of a call: who calls, and what shall happen to the
 * caller's connection. This is how entering a room works with a gateway that knows no business.
 */

/** Values a worker may attach to a session; they travel in the signed ticket, readable by the client. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** Who calls: RPC request header `connection`, set by the gateway, never by clients. */
export interface CallerContext {
  /** Node id of the gateway. */
  readonly gateway: string;
  readonly session: string;
  readonly user: string;
  readonly device: string;
  readonly platform: string;
  readonly product?: string;
  /** The person's address, as far as trusted proxies say. */
  readonly address: string;
  /** Position of this call among the calls of the session; later calls win (PR-68). */
  readonly sequence: number;
  readonly attributes: Attributes;
  /** What the token's verifier said of the user: name, roles … */
  readonly claims: Readonly<Record<string, unknown>>;
}

export type Effect =
  /** With `after`, nothing up to that version of the group's log is shown to the caller, whatever positions it gives or asks for. */
  | { readonly type: 'join'; readonly group: string; readonly after?: number }
  | { readonly type: 'leave'; readonly group: string }
  /** Out of one group, or, without group, the connection is closed and not to come back. */
  | { readonly type: 'kick'; readonly group?: string; readonly code: number; readonly reason: string }
  /** Merged into the session's attributes; null removes one. */
  | { readonly type: 'set'; readonly attributes: Readonly<Record<string, string | number | boolean | null>> };

/** RPC request header that carries {@link CallerContext}, and reply header that carries {@link Effect}s. */
export const CONNECTION_HEADER = 'connection';
export const EFFECTS_HEADER = 'effects';

/** Event of a priority message to `u:<user>` whose body is a kick effect: applied by every gateway that holds the user, replayed before groups are restored. */
export const KICK_EVENT = '$kick';
