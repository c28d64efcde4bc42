/**
 * From the parsed fields of one message to a client message: which members each kind has and what they may hold.
 * Knows nothing of frames and codecs; the bytes of `data` are found by the caller.
 */
import { isName } from '../group-id.js';
import { nestingOf } from '../json/lexical-scan.js';
import { MAX_ID_LENGTH, MAX_NESTING, MAX_SYNC, MAX_TOKEN_LENGTH } from '../limits.js';
import type { Call, Cancel, ClientMessage, Hello, Ping, Sync } from '../messages.js';
import {
  isClientGroup,
  isId,
  isInteger,
  isMethod,
  isPlatform,
  isText,
  isToken,
  readPositions,
} from './field-grammar.js';

export type Fields = Readonly<Record<string, unknown>>;

/** The name of the first field that breaks its grammar. */
export type BadField = string;

/** Undefined for a kind this release does not know. */
export function readFields(
  kind: string,
  fields: Fields,
  data: Uint8Array | undefined,
): ClientMessage<Uint8Array> | BadField | undefined {
  switch (kind) {
    case 'call':
      return readCall(fields, data);
    case 'ping':
      return readPing(fields);
    case 'pong':
      return { type: 'pong' };
    case 'sync':
      return readSync(fields);
    case 'cancel':
      return readCancel(fields);
    case 'hello':
      return readHello(fields);
    default:
      return undefined;
  }
}

function readHello(fields: Fields): Hello | BadField {
  const { id, token, device, platform, client, ticket } = fields;
  if (!isId(id)) return 'id';
  if (!isText(token, MAX_TOKEN_LENGTH)) return 'token';
  if (typeof device !== 'string' || !isName(device)) return 'device';
  if (!isPlatform(platform)) return 'platform';
  if (client !== undefined && !isText(client, MAX_ID_LENGTH)) return 'client';
  if (ticket !== undefined && typeof ticket !== 'string') return 'ticket';
  const positions = fields.positions === undefined ? undefined : readPositions(fields.positions);
  if (fields.positions !== undefined && !positions) return 'positions';
  return {
    type: 'hello',
    id,
    token,
    device,
    platform,
    ...(client !== undefined && { client }),
    ...(ticket !== undefined && { ticket }),
    ...(positions && { positions }),
  };
}

function readCall(fields: Fields, data: Uint8Array | undefined): Call<Uint8Array> | BadField {
  const { id, method, timeoutMs, key } = fields;
  if (!isId(id)) return 'id';
  if (!isMethod(method)) return 'method';
  if (timeoutMs !== undefined && !isInteger(timeoutMs, 1)) return 'timeoutMs';
  if (key !== undefined && !isToken(key)) return 'key';
  if (data && nestingOf(data) > MAX_NESTING) return 'data';
  const since = fields.since === undefined ? undefined : readPositions(fields.since);
  if (fields.since !== undefined && !since) return 'since';
  return {
    type: 'call',
    id,
    method,
    ...(data && { data }),
    ...(since && { since }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(key !== undefined && { key }),
  };
}

function readCancel({ call }: Fields): Cancel | BadField {
  return isId(call) ? { type: 'cancel', call } : 'call';
}

function readSync({ id, group, epoch, after, limit }: Fields): Sync | BadField {
  if (!isId(id)) return 'id';
  if (!isClientGroup(group)) return 'group';
  if (!isToken(epoch)) return 'epoch';
  if (!isInteger(after, 0)) return 'after';
  if (!isInteger(limit, 1, MAX_SYNC)) return 'limit';
  return { type: 'sync', id, group, epoch, after, limit };
}

function readPing(fields: Fields): Ping | BadField {
  if (fields.positions === undefined) return { type: 'ping' };
  const positions = readPositions(fields.positions);
  return positions ? { type: 'ping', positions } : 'positions';
}
