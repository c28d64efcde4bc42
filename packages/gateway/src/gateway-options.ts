/** What a gateway is composed of and how it is set; checked once. */
import type { Broadcast } from '@im/broadcast';
import type { OnlineList } from '@im/groups';
import { DEFAULT_LIMITS, ImError, type Limits, MAX_POSITIONS } from '@im/protocol';
import type { Clock, Logger, Metrics } from '@im/protocol/ports';
import type { RpcCaller } from '@im/rpc';
import type { LogReader } from '@im/timeline';
import { DEVICE_POLICIES, type DevicePolicy } from './devices/device-policy.js';
import type { PositionSink } from './positions/position-sink.js';
import { type TicketKey, ticketKeyMistakes } from './session/ticket.js';
import type { UserRegister } from './user-register.js';
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
  /** Told who is connected here. */
  readonly users?: UserRegister;
  /** Told how far devices have read. */
  readonly positions?: PositionSink;
  /** Signs resume tickets: the first signs, all verify. The same at all gateways. */
  readonly ticketKeys: readonly TicketKey[];
  /** Limits of the client protocol, told to clients; the rest are the defaults. */
  readonly limits?: Partial<Limits>;
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
  /** Runs something once, at the end of the turn, after what came in was dealt with. Default: setImmediate. */
  readonly afterTurn?: (run: () => void) => void;
  /** `framesPerSecond` of the groups of one kind: `{ u: 0, g: 4 }`. */
  readonly framesPerSecondByKind?: Readonly<Record<string, number>>;
  /** Of one user's connections, which stay (PR-142). Default: all. */
  readonly devices?: DevicePolicy;
  /** `devices` of the users of one product. */
  readonly devicesByProduct?: Readonly<Record<string, DevicePolicy>>;
  /** `messagesPerFrame` of the groups of one kind. */
  readonly messagesPerFrameByKind?: Readonly<Record<string, number>>;
}

export interface Settings {
  /** PR-110 to PR-113. Default 25,000. */
  readonly heartbeatMs: number;
  /** PR-31. Default 5,000. */
  readonly helloTimeoutMs: number;
  /** A token that is not verified by then is refused as unverifiable (PR-37). Default 5,000. */
  readonly verifyTimeoutMs: number;
  /** A verified hello that has no welcome by then is refused (PR-43): at least five times `storeTimeoutMs`. Default 10,000. */
  readonly welcomeTimeoutMs: number;
  /** PR-104. Default 60,000. */
  readonly sessionTtlMs: number;
  /** Sessions kept without a connection; the oldest goes first, its ticket still counts. Default 20,000. */
  readonly maxLostSessions: number;
  /** How long a ticket counts; renewed at half of it, so at least twice `sessionTtlMs`. Default 3,600,000. */
  readonly ticketTtlMs: number;
  /** PR-86, PR-116. Default 262,144. */
  readonly softBacklogBytes: number;
  /** PR-87, PR-117. Default 4,194,304. */
  readonly hardBacklogBytes: number;
  /** A client that has not confirmed anything for so long is closed (PR-117); 0: never. Default 30,000. */
  readonly stallMs: number;
  /** Turns of the send loop for normal messages; 0: none, they go at once. Default 12. */
  readonly framesPerSecond: number;
  /** Normal messages of one group with one frame, those that are conflated counted once; the rest is shed and told. Default 1,000. */
  readonly messagesPerFrame: number;
  /** The same in bytes, 200 a message besides its body. Default 524,288. */
  readonly bytesPerFrame: number;
  /** Connections at once; more are closed with 4004. Default 100,000. */
  readonly maxConnections: number;
  /** Hellos being dealt with at once; more wait for their turn. Default 2,000. */
  readonly maxAuthenticating: number;
  /** Hellos that wait for their turn, at most `welcomeTimeoutMs`; more are closed with 4004. Default 20,000. */
  readonly maxWaitingHellos: number;
  /** Priority messages replayed to one client from one group; earlier ones are told as missed (PR-96). Default 1,000. */
  readonly maxReplay: number;
  /** A log or a bus that takes longer counts as unavailable. Default 2,000. */
  readonly storeTimeoutMs: number;
}

const DEFAULTS: Settings = {
  heartbeatMs: 25_000,
  helloTimeoutMs: 5_000,
  verifyTimeoutMs: 5_000,
  welcomeTimeoutMs: 10_000,
  sessionTtlMs: 60_000,
  maxLostSessions: 20_000,
  ticketTtlMs: 3_600_000,
  softBacklogBytes: 256 * 1024,
  hardBacklogBytes: 4 * 1024 * 1024,
  stallMs: 30_000,
  framesPerSecond: 12,
  messagesPerFrame: 1_000,
  bytesPerFrame: 512 * 1024,
  maxConnections: 100_000,
  maxAuthenticating: 2_000,
  maxWaitingHellos: 20_000,
  maxReplay: 1_000,
  storeTimeoutMs: 2_000,
};

interface Range {
  readonly from: number;
  readonly to: number;
  /** What is counted. */
  readonly unit: string;
}

/** Longest time that timers of Node can wait. */
const MAX_TIMER_MS = 2_147_483_647;
/** With `u:` and `r:0`, a hello can name the positions of all. */
const MAX_GROUPS = MAX_POSITIONS - 2;
/** A hello with the longest token, a ticket and positions must fit. */
const MIN_FRAME_BYTES = 16_384;

const milliseconds: Range = { from: 1, to: MAX_TIMER_MS, unit: 'milliseconds' };
const bytes: Range = { from: 1, to: 2 ** 30, unit: 'bytes' };
const upTo = (to: number, unit: string): Range => ({ from: 1, to, unit });

const SETTINGS: Readonly<Record<keyof Settings, Range>> = {
  heartbeatMs: { ...milliseconds, from: 1_000, to: 3_600_000 },
  helloTimeoutMs: milliseconds,
  verifyTimeoutMs: milliseconds,
  welcomeTimeoutMs: milliseconds,
  sessionTtlMs: milliseconds,
  maxLostSessions: { from: 0, to: 10_000_000, unit: 'sessions' },
  ticketTtlMs: milliseconds,
  softBacklogBytes: bytes,
  hardBacklogBytes: bytes,
  stallMs: { ...milliseconds, from: 0 },
  framesPerSecond: { from: 0, to: 1_000, unit: 'frames' },
  messagesPerFrame: upTo(1_000_000, 'messages'),
  bytesPerFrame: bytes,
  maxConnections: upTo(10_000_000, 'connections'),
  maxAuthenticating: upTo(10_000_000, 'hellos'),
  maxWaitingHellos: { from: 0, to: 10_000_000, unit: 'hellos' },
  maxReplay: upTo(1_000_000, 'messages'),
  storeTimeoutMs: milliseconds,
};

const LIMITS: Readonly<Record<keyof Limits, Range>> = {
  frameBytes: { from: MIN_FRAME_BYTES, to: 16 * 1024 * 1024, unit: 'bytes' },
  messagesPerFrame: upTo(10_000, 'messages'),
  pendingCalls: upTo(10_000, 'calls'),
  commandsPerSecond: upTo(100_000, 'commands'),
  groups: upTo(MAX_GROUPS, 'groups'),
  callTimeoutMs: { ...milliseconds, to: 3_600_000 },
};

const NODE_ID = /^[A-Za-z0-9_.-]{1,64}$/;

/** Fills in defaults. @throws ImError CONFIG_INVALID naming every mistake */
export function readSettings(options: GatewayOptions): { settings: Settings; limits: Limits } {
  const settings = pick(DEFAULTS, options);
  const limits = pick(DEFAULT_LIMITS, options.limits ?? {});
  const mistakes = [...outOfRange(settings, SETTINGS, ''), ...outOfRange(limits, LIMITS, 'limits.')];
  if (!NODE_ID.test(options.node)) mistakes.push('node: not [A-Za-z0-9_.-]{1,64}');
  mistakes.push(...ticketKeyMistakes(options.ticketKeys));
  const policies = { '': options.devices ?? 'all', ...options.devicesByProduct };
  for (const [product, policy] of Object.entries(policies)) {
    if (!DEVICE_POLICIES.includes(policy)) mistakes.push(`devices: ${policy} (${product}) is no policy`);
  }
  const { ticketTtlMs, sessionTtlMs, welcomeTimeoutMs, storeTimeoutMs, hardBacklogBytes, softBacklogBytes } = settings;
  if (ticketTtlMs < 2 * sessionTtlMs)
    mistakes.push(`ticketTtlMs: ${ticketTtlMs} is less than twice sessionTtlMs (${sessionTtlMs})`);
  if (welcomeTimeoutMs < 5 * storeTimeoutMs)
    mistakes.push(`welcomeTimeoutMs: ${welcomeTimeoutMs} is less than five times storeTimeoutMs (${storeTimeoutMs})`);
  if (hardBacklogBytes <= softBacklogBytes)
    mistakes.push(`hardBacklogBytes: ${hardBacklogBytes} is not above softBacklogBytes (${softBacklogBytes})`);
  if (mistakes.length > 0) throw new ImError('CONFIG_INVALID', { message: mistakes.join('; '), details: { mistakes } });
  return { settings, limits };
}

function outOfRange<T extends object>(values: T, ranges: Readonly<Record<keyof T, Range>>, path: string): string[] {
  const names = Object.keys(ranges) as (keyof T & string)[];
  return names.flatMap((name) => {
    const value: unknown = values[name];
    const { from, to, unit } = ranges[name];
    if (Number.isInteger(value) && (value as number) >= from && (value as number) <= to) return [];
    return [`${path}${name}: ${String(value)} is no whole number of ${unit} from ${from} to ${to}`];
  });
}

/** The defaults, with what is given of the same names. */
function pick<T extends object>(defaults: T, given: Partial<T>): T {
  const names = Object.keys(defaults) as (keyof T)[];
  return Object.fromEntries(names.map((name) => [name, given[name] ?? defaults[name]])) as T;
}
