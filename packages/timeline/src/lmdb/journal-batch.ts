/**
 * The bytes of one batch in the journal: what was acknowledged together. Pure: entries ↔ bytes.
 *
 * For each entry: group length 1 · group · version 8 · row length 4 · row
 */
import { rowBound, writeRow } from './entry-row.js';
import { asBuffer, readNumber, writeNumber } from './keys.js';
import type { RecentEntry } from './lmdb-log.js';

export interface JournalBatch {
  readonly sequence: number;
  readonly bytes: Uint8Array;
  /** Entries that have no row yet; the batch goes when there are none. */
  remaining: number;
}

export interface JournalEntry {
  readonly group: string;
  readonly version: number;
  /** Where its row lies in the batch. */
  readonly start: number;
  readonly end: number;
}

const HEAD_BYTES = 1 + 8 + 4;

/** An upper bound of what an entry takes in a batch. */
export function journalBound(group: string, entry: RecentEntry): number {
  const { source, sharedBody } = entry;
  return source === undefined ? 0 : HEAD_BYTES + group.length + rowBound(source, sharedBody !== undefined);
}

/** Writes entries into one batch, and tells each where its row lies. Bodies are copied: they are free afterwards. */
export function writeBatch(
  sequence: number,
  entries: readonly { readonly log: { readonly group: string }; readonly entry: RecentEntry }[],
): JournalBatch {
  const bound = entries.reduce((sum, { log, entry }) => sum + journalBound(log.group, entry), 0);
  const target = Buffer.allocUnsafeSlow(bound);
  let at = 0;
  for (const { log, entry } of entries) {
    const { group } = log;
    if (entry.source === undefined) continue;
    target[at] = group.length;
    at += 1 + target.write(group, at + 1, 'latin1');
    at = writeNumber(target, entry.version, at);
    entry.start = at + 4;
    entry.end = writeRow(target, entry.start, entry.source, entry, entry.sharedBody?.key);
    entry.source = undefined;
    target.writeUInt32BE(entry.end - entry.start, at);
    at = entry.end;
  }
  const batch: JournalBatch = { sequence, bytes: target.subarray(0, at), remaining: entries.length };
  for (const { entry } of entries) entry.batch = batch;
  return batch;
}

/** The entries of a batch, as they were written. */
export function* readBatch(bytes: Uint8Array): Iterable<JournalEntry> {
  const source = asBuffer(bytes);
  for (let at = 0; at < source.length; ) {
    const groupEnd = at + 1 + source.readUInt8(at);
    const start = groupEnd + 8 + 4;
    const end = start + source.readUInt32BE(groupEnd + 8);
    yield { group: source.toString('latin1', at + 1, groupEnd), version: readNumber(source, groupEnd), start, end };
    at = end;
  }
}
