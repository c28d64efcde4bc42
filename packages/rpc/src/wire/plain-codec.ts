/** The plain form (docs/rpc.md, section 2): frames of JSON and body to messages and back. Any bytes give a message or a MalformedPlain. */
import { isText, MAX_KEY_LENGTH } from '../names.js';
import { DEFAULT_TIMEOUT_MS, MAX_HEADER_BYTES, MAX_TIMEOUT_MS } from '../rpc-limits.js';
import { type Message, type MessageKind, parseObject } from './message.js';
import { KIND, NO_ID } from './record.js';

/** Why plain frames are no message: one line for people, and the id if it could be read. */
export interface MalformedPlain {
  readonly kind: 'malformed';
  readonly id: number | undefined;
  readonly reason: string;
}

/** A kind of a later version: ignored. */
export interface UnknownPlain {
  readonly kind: 'unknown';
}

const NOTHING = Buffer.alloc(0);
const OPEN_BRACE = 0x7b;

type Check = (value: unknown) => string | undefined;

const count: Check = (value) => (isId(value) ? undefined : 'an integer from 0 to 4294967295');
const name: Check = (value) =>
  typeof value === 'string' && /^[a-zA-Z$][A-Za-z0-9_-]{0,63}$/.test(value) ? undefined : 'a name as in RP-4';
const text =
  (limit: number): Check =>
  (value) =>
    isText(value, limit) ? undefined : `1 to ${limit} characters`;
const flag: Check = (value) => (typeof value === 'boolean' ? undefined : 'true or false');
const object: Check = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? undefined : 'an object';
const headers: Check = (value) =>
  object(value) ??
  (Buffer.byteLength(JSON.stringify(value)) <= MAX_HEADER_BYTES ? undefined : 'at most 8192 bytes of JSON');

const anyText: Check = (value) => (typeof value === 'string' ? undefined : 'a text');

const ERROR: Readonly<Record<string, Check>> = {
  code: (value) => (Number.isSafeInteger(value) ? undefined : 'an integer'),
  name: anyText,
  'message?': anyText,
  'retryable?': flag,
  'details?': object,
};

/** Members by kind: those that end in `?` may be left out. */
const SHAPES: Readonly<Record<MessageKind, Readonly<Record<string, Check>>>> = {
  call: {
    'target?': count,
    service: name,
    method: name,
    'timeoutMs?': count,
    'idempotent?': flag,
    'key?': text(MAX_KEY_LENGTH),
    'route?': text(MAX_KEY_LENGTH),
    'trace?': (value) =>
      typeof value === 'string' && /^[\x21-\x7e]{1,255}$/.test(value) ? undefined : 'a traceparent',
    'headers?': headers,
    'stream?': flag,
    'late?': flag,
  },
  cancel: {
    'reason?': (value) => (value === 'cancelled' || value === 'deadline' ? undefined : 'cancelled or deadline'),
  },
  more: { count },
  reply: { 'headers?': headers },
  part: {},
  error: ERROR,
  serve: {
    worker: text(128),
    service: name,
    version: text(64),
    methods: (value) =>
      Array.isArray(value) && value.every((method) => name(method) === undefined) ? undefined : 'a list of names',
    concurrency: count,
    'pingMs?': count,
  },
  serving: {},
  refused: ERROR,
  drain: {},
  drained: {},
  bye: {},
  ping: {},
  pong: { 'caller?': count, 'broker?': anyText },
  again: {},
};

/** Kinds that may be without an id, and which one that stands for. */
const ANONYMOUS = new Map<string, number>([
  ['bye', 0],
  ['ping', 0],
  ['again', 0],
  ['error', NO_ID],
]);

export function isPlain(frame: Buffer | undefined): boolean {
  return frame?.[0] === OPEN_BRACE;
}

/** @param frames beginning with the JSON; @returns the message, complete with what may be left out, and the sender's clock if it says it */
export function decodePlain(
  frames: readonly Buffer[],
): (Message & { sentAtMs: number | undefined }) | MalformedPlain | UnknownPlain {
  const members = parseObject(frames[0]?.toString('utf8') ?? '');
  if (members === undefined) return malformed(undefined, 'the first frame is no JSON object');
  const { kind, id, sentAtMs, ...rest } = members;
  const known = isId(id) ? id : undefined;
  if (typeof kind !== 'string') return malformed(known, 'kind is missing');
  if (!Object.hasOwn(KIND, kind)) return { kind: 'unknown' };
  if (known === undefined && !(id === undefined && ANONYMOUS.has(kind)))
    return malformed(known, 'id: an integer from 0 to 4294967295');
  const taken: Record<string, unknown> = {};
  for (const [key, check] of Object.entries(SHAPES[kind as MessageKind])) {
    const optional = key.endsWith('?');
    const member = optional ? key.slice(0, -1) : key;
    const value = rest[member];
    if (value === undefined && optional) continue;
    const expected = check(value);
    if (expected !== undefined) return malformed(known, `${member}: ${expected}`);
    taken[member] = value;
  }
  return {
    kind: kind as MessageKind,
    id: known ?? ANONYMOUS.get(kind) ?? 0,
    members: kind === 'call' ? { ...taken, timeoutMs: timeout(taken.timeoutMs as number | undefined) } : taken,
    body: frames[1] ?? NOTHING,
    sentAtMs: isId(sentAtMs) ? sentAtMs : undefined,
  };
}

/** One or two frames. */
export function encodePlain({ kind, id, members, body }: Message): Buffer[] {
  const isAnonymous = kind === 'error' && id === NO_ID;
  const json = Buffer.from(JSON.stringify({ kind, ...(!isAnonymous && { id }), ...members }));
  return body.length === 0 ? [json] : [json, Buffer.from(body.buffer, body.byteOffset, body.length)];
}

function timeout(timeoutMs = DEFAULT_TIMEOUT_MS): number {
  return Math.min(timeoutMs, MAX_TIMEOUT_MS);
}

function isId(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= NO_ID;
}

function malformed(id: number | undefined, reason: string): MalformedPlain {
  return { kind: 'malformed', id, reason };
}
