/** What a gateway is composed of and how it is set; checked once. */
import type { Broadcast } from '@im/broadcast';
import type { OnlineList } from '@im/groups';
import { DEFAULT_LIMITS, ImError, type Limits, MAX_POSITIONS } from '@im/protocol';
import type { Clock, Logger, Metrics } from '@im/protocol/ports';
import type { RpcCaller } from '@im/rpc';
import type { LogReader } from '@im/timeline';
import type { TicketKey } from './session/ticket.js';
import type { TokenVerifier } from './verifier/token-verifier.js';

export interface GatewayOptions extends Partial<Settings> {
  /** Node id, told to workers with every call. */
  readonly node: string;
  readonly verifier: TokenVerifier;
  /** Used, not owned: closing them after `stop` is up to whoever made them. */
  readonly rpc: RpcCaller;
  readonly broadcast: Broadcast;
  readonly log: LogReader;
  /** Told who is in which group. */
  readonly online?: OnlineList;
  /** Signs resume tickets: the first signs, all verify. The same at all gateways. */
  readonly ticketKeys: readonly TicketKey[];
  /** Limits of the client protocol, told to clients; the rest are the defaults. */
  readonly limits?: Partial<Limits>;
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
  /** Runs something once, at the end of the turn, after what came in was dealt with. Default: setImmediate. */
  readonly afterTurn?: (run: () => void) => void;
}

export interface Settings {
  /** PR-110 to PR-113. Default 25,000. */
  readonly heartbeatMs: number;
  /** PR-31. Default 5,000. */
  readonly helloTimeoutMs: number;
  /** A token that is not verified by then is refused as unverifiable (PR-37). Default 5,000. */
  readonly verifyTimeoutMs: number;
  /** PR-104. Default 60,000. */
  readonly sessionTtlMs: number;
  /** Sessions kept without a connection; the oldest goes first, its ticket still counts. Default 20,000. */
  readonly maxLostSessions: number;
  /** How long a ticket counts; renewed at half of it, so at least twice `sessionTtlMs`. Default 3,600,000. */
  readonly ticketTtlMs: number;
  /** PR-86. Default 262,144. */
  readonly softBacklogBytes: number;
  /** PR-87. Default 4,194,304. */
  readonly hardBacklogBytes: number;
  /** Turns of the send loop for normal messages; 0: none, they go at once. Default 12. */
  readonly framesPerSecond: number;
  /** Connections at once; more are closed with 4004. Default 100,000. */
  readonly maxConnections: number;
  /** Hellos being dealt with at once; more are closed with 4004. Default 2,000. */
  readonly maxAuthenticating: number;
  /** Priority messages replayed to one client from one group; earlier ones are told as missed (PR-96). Default 1,000. */
  readonly maxReplay: number;
  /** A log or a bus that takes longer counts as unavailable. Default 2,000. */
  readonly storeTimeoutMs: number;
}

const DEFAULTS: Settings = {
  heartbeatMs: 25_000,
  helloTimeoutMs: 5_000,
  verifyTimeoutMs: 5_000,
  sessionTtlMs: 60_000,
  maxLostSessions: 20_000,
  ticketTtlMs: 3_600_000,
  softBacklogBytes: 256 * 1024,
  hardBacklogBytes: 4 * 1024 * 1024,
  framesPerSecond: 12,
  maxConnections: 100_000,
  maxAuthenticating: 2_000,
  maxReplay: 1_000,
  storeTimeoutMs: 2_000,
};

/** With `u:` and `r:0`, a hello can name the positions of all. */
const MAX_GROUPS = MAX_POSITIONS - 2;
const NODE_ID = /^[A-Za-z0-9_.-]{1,64}$/;

/** Fills in defaults. @throws ImError CONFIG_INVALID naming every mistake */
export function readSettings(options: GatewayOptions): { settings: Settings; limits: Limits } {
  const mistakes: string[] = [];
  const positive = <T extends object>(values: T, path: string): T => {
    for (const [name, value] of Object.entries(values)) {
      const least = name === 'framesPerSecond' || name === 'maxLostSessions' ? 0 : 1;
      if (!Number.isFinite(value) || (value as number) < least)
        mistakes.push(`${path}${name}: ${value} is less than ${least}`);
    }
    return values;
  };
  const settings = positive(pick(DEFAULTS, options), '');
  const limits = positive(pick(DEFAULT_LIMITS, options.limits ?? {}), 'limits.');
  if (limits.groups > MAX_GROUPS)
    mistakes.push(`limits.groups: ${limits.groups} is more than positions can name (${MAX_GROUPS})`);
  if (!NODE_ID.test(options.node)) mistakes.push('node: not [A-Za-z0-9_.-]{1,64}');
  if (settings.ticketTtlMs < 2 * settings.sessionTtlMs) mistakes.push('ticketTtlMs: less than twice sessionTtlMs');
  if (settings.hardBacklogBytes <= settings.softBacklogBytes)
    mistakes.push('hardBacklogBytes: not above softBacklogBytes');
  if (mistakes.length > 0) throw new ImError('CONFIG_INVALID', { message: mistakes.join('; '), details: { mistakes } });
  return { settings, limits };
}

/** The defaults, with what is given of the same names. */
function pick<T extends object>(defaults: T, given: Partial<T>): T {
  const names = Object.keys(defaults) as (keyof T)[];
  return Object.fromEntries(names.map((name) => [name, given[name] ?? defaults[name]])) as T;
}
