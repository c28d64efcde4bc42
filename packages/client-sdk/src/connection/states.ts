/**
 * The life of a connection as one table: internal states, and every edge with its cause. Which public state each
 * internal one is seen as stands here too. Knows no sockets and no timers.
 */
import type { Welcome } from '@im/protocol';

/** How the connection stands, as apps see it. `code` and `reason` say why it came to this. */
export type ClientState =
  | ({ readonly status: 'idle' } & Because)
  /** `attempt` counts from 1 since the connection last held. */
  | ({ readonly status: 'connecting'; readonly attempt: number } & Because)
  | ({
      readonly status: 'connected';
      readonly session: string;
      readonly user: string;
      /** The gateway restored the groups of the session. */
      readonly resumed: boolean;
    } & Because)
  /** Tries again at `retryAtMs` (milliseconds since 1970), or sooner when the network returns. */
  | ({ readonly status: 'waiting'; readonly attempt: number; readonly retryAtMs: number } & Because)
  /** Stays so until `connect()` is called. */
  | ({ readonly status: 'closed' } & Because);

export interface Because {
  /** 0: the app asked for it. Below 1000: docs/errors.md. From 1000: a WebSocket close code. */
  readonly code: number;
  readonly reason: string;
}

export type Cause =
  | 'connect' // the app wants a connection
  | 'close' // the app wants none
  | 'resolved' // address and token are known
  | 'opened' // the transport is open
  | 'welcomed' // hello was answered with welcome
  | 'silent' // nothing was sent or heard for a heartbeat, or the network may have changed
  | 'heard' // something arrived while we were asking
  | 'move' // our slot in a drain has come
  | 'moved' // nothing is on its way any more
  | 'lost' // worth another attempt later
  | 'expired' // worth another attempt at once, with a new token
  | 'forbidden' // no attempt is worth it
  | 'retry' // the wait is over
  | 'offline'; // the network went while we were waiting

const ending = { lost: 'delaying', forbidden: 'closed', close: 'closed' } as const;
const linked = { ...ending, expired: 'resolving' } as const;

const EDGES = {
  idle: { connect: 'resolving', close: 'closed' },
  resolving: { ...ending, resolved: 'opening' },
  opening: { ...linked, opened: 'greeting' },
  greeting: { ...linked, welcomed: 'open' },
  open: { ...linked, silent: 'probing', move: 'leaving' },
  probing: { ...linked, heard: 'open', move: 'leaving' },
  leaving: { ...linked, moved: 'resolving' },
  delaying: { retry: 'resolving', offline: 'delaying', close: 'closed' },
  closed: { connect: 'resolving' },
} as const;

export type State = keyof typeof EDGES;

/** Where a cause leads, or undefined where the cause means nothing. */
export const next = (state: State, cause: Cause): State | undefined =>
  (EDGES[state] as Partial<Record<Cause, State>>)[cause];

/** Each internal state as apps see it. */
export const PUBLIC: Readonly<Record<State, ClientState['status']>> = {
  idle: 'idle',
  resolving: 'connecting',
  opening: 'connecting',
  greeting: 'connecting',
  open: 'connected',
  probing: 'connected',
  leaving: 'connected',
  delaying: 'waiting',
  closed: 'closed',
};

/** What only the connection knows of its state. */
interface Standing {
  readonly welcome: Welcome | undefined;
  /** In a row. */
  readonly failures: number;
  readonly retryAtMs: number;
}

/** A state as apps see it, with what belongs to it. */
export function show(state: State, because: Because, { welcome, failures, retryAtMs }: Standing): ClientState {
  const status = PUBLIC[state];
  const { session, user, resumed } = welcome ?? {};
  return {
    status,
    ...(status === 'connecting' && { attempt: failures + 1 }),
    ...(status === 'waiting' && { attempt: failures, retryAtMs }),
    ...(status === 'connected' && { session, user, resumed }),
    ...because,
  } as ClientState;
}
