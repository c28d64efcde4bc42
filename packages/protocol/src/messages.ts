/**
 * The messages of the client protocol (docs/protocol.md), independent of any codec.
 * `Body` is what stands for `data`: raw bytes where bodies are opaque (gateways), parsed values in clients.
 */
import type { ErrorBody } from './coded-error.js';
import type { Limits } from './limits.js';

/** PR-90: everything up to `version` in the log named `epoch` was seen. */
export interface Position {
  readonly epoch: string;
  readonly version: number;
}

/** Group id → position. */
export type Positions = Readonly<Record<string, Position>>;

/** What a client will never be sent (PR-96, PR-97). `upto` is absent when the end is unknown. */
export interface Missed {
  /** Present when the given position named another epoch, or lay ahead of the log. */
  readonly epoch?: string;
  readonly after: number;
  readonly upto?: number;
}

/** Where a membership begins: the next priority push carries `version + 1`. */
export interface JoinedGroup {
  readonly group: string;
  readonly epoch: string;
  readonly version: number;
  /** Absent when no position was given. */
  readonly recovered?: boolean;
  readonly missed?: Missed;
}

export interface LeftGroup {
  readonly group: string;
  /** 0 when the client asked for it, else an error code. */
  readonly code: number;
  readonly reason: string;
}

// ── client → gateway ────────────────────────────────────────────────────────────────────────────

export interface Hello {
  readonly type: 'hello';
  readonly id: number;
  readonly token: string;
  readonly device: string;
  readonly platform: string;
  /** Name and version of the client program. */
  readonly client?: string;
  readonly ticket?: string;
  readonly positions?: Positions;
}

export interface Call<Body> {
  readonly type: 'call';
  readonly id: number;
  /** `service.method` */
  readonly method: string;
  readonly data?: Body;
  readonly since?: Positions;
  readonly timeoutMs?: number;
  readonly key?: string;
}

export interface Cancel {
  readonly type: 'cancel';
  readonly call: number;
}

export interface Sync {
  readonly type: 'sync';
  readonly id: number;
  readonly group: string;
  readonly epoch: string;
  readonly after: number;
  readonly limit: number;
}

export interface Ping {
  readonly type: 'ping';
  readonly positions?: Positions;
}

export interface Pong {
  readonly type: 'pong';
}

/** A command of a kind this release does not know, with a valid id (PR-8); those without one are ignored (PR-7). */
export interface UnknownCommand {
  readonly type: 'unknown';
  readonly kind: string;
  readonly id: number;
}

/** A known command with a valid id whose fields break their grammar (PR-12). */
export interface InvalidCommand {
  readonly type: 'invalid';
  readonly id: number;
  readonly kind: string;
  readonly error: ErrorBody;
}

export type ClientMessage<Body> = Hello | Call<Body> | Cancel | Sync | Ping | Pong;
export type ReceivedCommand<Body> = ClientMessage<Body> | UnknownCommand | InvalidCommand;

// ── gateway → client ────────────────────────────────────────────────────────────────────────────

export interface Welcome {
  readonly type: 'welcome';
  readonly id: number;
  readonly session: string;
  readonly user: string;
  readonly heartbeatMs: number;
  readonly resumed: boolean;
  readonly ticket: string;
  readonly groups: readonly JoinedGroup[];
  readonly left: readonly LeftGroup[];
  readonly limits: Limits;
  /** Gateway clock, milliseconds since 1970. */
  readonly time: number;
}

export interface Reply<Body> {
  readonly type: 'reply';
  readonly id: number;
  readonly data?: Body;
}

export interface ErrorMessage extends ErrorBody {
  readonly type: 'error';
  readonly id?: number;
}

export interface Push<Body> {
  readonly type: 'push';
  readonly group: string;
  readonly event: string;
  /** Absent means normal. */
  readonly lane?: 'priority';
  /** On the priority lane, always. */
  readonly version?: number;
  /** The publisher's message id. */
  readonly id?: string;
  /** The publisher's clock, milliseconds since 1970. */
  readonly time?: number;
  /** PR-88: so many further normal messages of the group this one stands for; absent: none. Never 0. */
  readonly conflated?: number;
  /** PR-89: those that its publisher calls by the same event and key may come as one, with the data of the last. */
  readonly key?: string;
  /** PR-89: the total of the amounts of all that it stands for, itself included; there whenever there are amounts. */
  readonly sum?: number;
  /** PR-140: the publisher wants to know soon that this device has it. On the priority lane only; never false. */
  readonly confirm?: boolean;
  readonly data?: Body;
}

export type ShedReason = 'pressure' | 'budget' | 'upstream' | 'disconnected';

export interface Shed {
  readonly type: 'shed';
  readonly group: string;
  /** Absent when unknown; never 0. */
  readonly count?: number;
  readonly reason: ShedReason | (string & {});
}

export type Joined = { readonly type: 'joined' } & JoinedGroup;
export type Left = { readonly type: 'left' } & LeftGroup;
/** PR-102: the group's log began a new epoch. */
export type Reset = { readonly type: 'reset' } & JoinedGroup;

export interface Synced {
  readonly type: 'synced';
  readonly id: number;
  readonly group: string;
  readonly epoch: string;
  /** Position after the pushes just sent. */
  readonly version: number;
  readonly more: boolean;
}

export interface Ticket {
  readonly type: 'ticket';
  readonly ticket: string;
}

export interface Drain {
  readonly type: 'drain';
  readonly afterMs: number;
  readonly address?: string;
  readonly ticket?: string;
}

export type ServerMessage<Body> =
  | Welcome
  | Reply<Body>
  | ErrorMessage
  | Push<Body>
  | Shed
  | Joined
  | Left
  | Reset
  | Synced
  | Ticket
  | Drain
  | Ping
  | Pong;
