/** Packed records as objects and back: for the plain form, for tests and for what is rare. The hot path reads records directly. */

import type { PackReader } from './pack-reader.js';
import type { PackWriter } from './pack-writer.js';
import { FLAG, KIND } from './record.js';

export type MessageKind = keyof typeof KIND;

/** A message as docs/rpc.md lists its members; `body` apart. */
export interface Message {
  readonly kind: MessageKind;
  readonly id: number;
  readonly members: Readonly<Record<string, unknown>>;
  readonly body: Uint8Array;
}

const KINDS = new Map<number, MessageKind>(
  (Object.keys(KIND) as MessageKind[]).map((kind) => [KIND[kind], kind] as const),
);
const NOTHING = new Uint8Array(0);
const REASONS = ['cancelled', 'deadline'];

/** The record where the reader stands; undefined for kinds of later versions, and when it is malformed (the reader says so). */
export function readMessage(reader: PackReader): Message | undefined {
  const { id } = reader;
  const kind = KINDS.get(reader.kind);
  switch (kind) {
    case undefined:
      return undefined;
    case 'call':
      return reader.readCall() ? { kind, id, members: callMembers(reader), body: reader.body } : undefined;
    case 'reply':
    case 'part':
      if (!reader.readReply()) return undefined;
      return { kind, id, members: withHeaders({}, reader.headers), body: reader.body };
    case 'cancel':
      return { kind, id, members: { reason: REASONS[reader.body[0] ?? 0] ?? 'cancelled' }, body: NOTHING };
    case 'more': {
      const count = reader.readCount();
      return count === undefined ? undefined : { kind, id, members: { count }, body: NOTHING };
    }
    case 'pong': {
      const caller = reader.readCount();
      if (caller === undefined) return undefined;
      const { body } = reader;
      const broker = Buffer.from(body.subarray(5, 5 + (body[4] ?? 0))).toString('latin1');
      return { kind, id, members: { caller, broker }, body: NOTHING };
    }
    case 'error':
    case 'refused':
    case 'serve': {
      const members = parseObject(reader.text);
      return members === undefined ? undefined : { kind, id, members, body: NOTHING };
    }
    default:
      return { kind, id, members: {}, body: NOTHING };
  }
}

/** Members are what {@link readMessage} gives or the plain form was checked to have. */
export function writeMessage(writer: PackWriter, { kind, id, members, body }: Message): void {
  switch (kind) {
    case 'call':
      writer.call({
        id,
        flags: callFlags(members),
        timeoutMs: members.timeoutMs as number,
        service: members.service as string,
        method: members.method as string,
        key: members.key as string | undefined,
        route: members.route as string | undefined,
        trace: members.trace as string | undefined,
        headers: members.headers === undefined ? '' : JSON.stringify(members.headers),
        body,
      });
      return;
    case 'reply':
    case 'part':
      writer.answer(KIND[kind], id, members.headers === undefined ? '' : JSON.stringify(members.headers), body);
      return;
    case 'cancel':
      writer.cancel(id, members.reason === 'deadline' ? 1 : 0);
      return;
    case 'more':
      writer.more(id, members.count as number);
      return;
    case 'pong':
      writer.pong(id, (members.caller as number | undefined) ?? 0, (members.broker as string | undefined) ?? '');
      return;
    case 'error':
    case 'refused':
    case 'serve':
      writer.text(KIND[kind], id, JSON.stringify(members));
      return;
    default:
      writer.text(KIND[kind], id);
  }
}

/** The JSON object of an error, refused or serve; undefined for anything else. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function callMembers(reader: PackReader): Record<string, unknown> {
  const { flags, target, service, method, timeoutMs, key, route, trace } = reader;
  return withHeaders(
    {
      ...(target !== 0 && { target }),
      service,
      method,
      timeoutMs,
      ...((flags & FLAG.idempotent) !== 0 && { idempotent: true }),
      ...(key !== undefined && { key }),
      ...(route !== undefined && { route }),
      ...(trace !== undefined && { trace }),
      ...((flags & FLAG.stream) !== 0 && { stream: true }),
      ...((flags & FLAG.late) !== 0 && { late: true }),
    },
    reader.headers,
  );
}

function withHeaders(members: Record<string, unknown>, text: string): Record<string, unknown> {
  const headers = text === '' ? undefined : parseObject(text);
  return headers === undefined ? members : { ...members, headers };
}

function callFlags({ idempotent, stream, late }: Readonly<Record<string, unknown>>): number {
  return (
    (idempotent === true ? FLAG.idempotent : 0) | (stream === true ? FLAG.stream : 0) | (late === true ? FLAG.late : 0)
  );
}
