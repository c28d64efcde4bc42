/**
 * The bytes of one entry, the same in the journal and in its row. Pure: bytes ↔ entry.
 *
 * flags 1 · time 8 · stored at 8 · body bytes of all entries before it 8 · body length 4 ·
 * event length 1 · event · [id length 1 · id] · body, or the key of a shared body, or nothing
 */
import type { NewEntry } from '../log-store.js';
import { asBuffer, BODY_KEY_BYTES, readNumber, writeNumber } from './keys.js';

const HAS_ID = 1;
/** The body lies in `bodies`. */
const SHARED = 2;
/** Only what the log needs to go on is left of the entry. */
const EMPTIED = 4;

const FIXED_BYTES = 1 + 8 + 8 + 8 + 4 + 1;
const EVENT_LENGTH_AT = FIXED_BYTES - 1;

/** What retention needs to know of an entry. */
export interface RowFacts {
  /** The store's clock at the append, milliseconds since 1970; never lower than the entry's before it. */
  readonly storedAt: number;
  /** Body bytes of all entries of the log before this one, kept or not. */
  readonly bytesBefore: number;
  readonly bodyLength: number;
  /** The entry itself is gone. */
  readonly emptied: boolean;
}

export interface DecodedRow extends RowFacts {
  readonly id: string | undefined;
  readonly event: string;
  readonly time: number;
  /** A view into the row; undefined when it is shared or gone. */
  readonly body: Uint8Array | undefined;
  readonly sharedBodyKey: Uint8Array | undefined;
}

/** Upper bound of what {@link writeRow} writes. */
export function rowBound(entry: NewEntry, shared: boolean): number {
  const id = entry.id === undefined ? 0 : 1 + entry.id.length * 3;
  return FIXED_BYTES + entry.event.length + id + (shared ? BODY_KEY_BYTES : entry.body.length);
}

/**
 * @param sharedBodyKey written instead of the body
 * @returns where the row ends
 */
export function writeRow(
  target: Buffer,
  start: number,
  entry: NewEntry,
  facts: RowFacts,
  sharedBodyKey: Uint8Array | undefined,
): number {
  const { id, event, body, time } = entry;
  target[start] = (id === undefined ? 0 : HAS_ID) | (sharedBodyKey === undefined ? 0 : SHARED);
  let at = writeNumber(target, time, start + 1);
  at = writeNumber(target, facts.storedAt, at);
  at = writeNumber(target, facts.bytesBefore, at);
  at = target.writeUInt32BE(facts.bodyLength, at);
  target[at] = event.length;
  at += 1 + target.write(event, at + 1, 'latin1');
  if (id !== undefined) {
    const length = target.write(id, at + 1, 'utf8');
    target[at] = length;
    at += 1 + length;
  }
  const rest = sharedBodyKey ?? body;
  target.set(rest, at);
  return at + rest.length;
}

/** What stays of a row whose entry is no longer kept, so that the log goes on from its version. */
export function emptiedRow(facts: RowFacts): Buffer {
  const row = Buffer.alloc(FIXED_BYTES);
  row[0] = EMPTIED;
  const at = writeNumber(row, facts.storedAt, 9);
  row.writeUInt32BE(facts.bodyLength, writeNumber(row, facts.bytesBefore, at));
  return row;
}

export function decodeFacts(row: Uint8Array): RowFacts {
  const buffer = asBuffer(row);
  return {
    storedAt: readNumber(buffer, 9),
    bytesBefore: readNumber(buffer, 17),
    bodyLength: buffer.readUInt32BE(25),
    emptied: (buffer.readUInt8(0) & EMPTIED) !== 0,
  };
}

export function decodeRow(row: Uint8Array): DecodedRow {
  const buffer = asBuffer(row);
  const flags = buffer.readUInt8(0);
  const facts = decodeFacts(buffer);
  const eventEnd = FIXED_BYTES + buffer.readUInt8(EVENT_LENGTH_AT);
  const idLength = (flags & HAS_ID) === 0 ? undefined : buffer.readUInt8(eventEnd);
  const restAt = idLength === undefined ? eventEnd : eventEnd + 1 + idLength;
  const rest = row.subarray(restAt);
  const shared = (flags & SHARED) !== 0;
  return {
    ...facts,
    id: idLength === undefined ? undefined : buffer.toString('utf8', eventEnd + 1, restAt),
    event: buffer.toString('latin1', FIXED_BYTES, eventEnd),
    time: readNumber(buffer, 1),
    body: shared || facts.emptied ? undefined : rest,
    sharedBodyKey: shared ? rest : undefined,
  };
}
