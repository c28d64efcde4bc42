/**
 * The terms of one message inside a record: `bytes:u16 flags:u8 senderBytes:u8 keyBytes:u8 [amount:f64] sender key`, `bytes`
 * being of what follows it. What is behind the key is of later releases. Few messages have terms; others pay nothing for them.
 */
import type { Conflation, Terms } from '@im/protocol';

const HEAD_BYTES = 5;
const SIZE_BYTES = 2;
const AMOUNT_BYTES = 8;
const FLAG = { reserved: 1, latest: 2, sum: 4 } as const;
/** Of UTF-8, for one character of a JavaScript string. */
const BYTES_OF_CHARACTER = 3;

/** At most. */
export function termsBytes({ sender = '', conflate }: Terms): number {
  const characters = sender.length + (conflate?.key.length ?? 0);
  return HEAD_BYTES + AMOUNT_BYTES + characters * BYTES_OF_CHARACTER;
}

/** Checked terms only; there is room. @returns where they end */
export function writeTerms(bytes: Buffer, { sender = '', reserved, conflate }: Terms, start: number): number {
  let at = start + HEAD_BYTES;
  let flags = reserved === true ? FLAG.reserved : 0;
  if (conflate?.mode === 'sum') at = bytes.writeDoubleLE(conflate.amount, at);
  if (conflate !== undefined) flags |= FLAG[conflate.mode];
  const senderBytes = bytes.write(sender, at, 'utf8');
  const keyBytes = bytes.write(conflate?.key ?? '', at + senderBytes, 'utf8');
  at += senderBytes + keyBytes;
  bytes.writeUInt16LE(at - start - SIZE_BYTES, start);
  bytes[start + 2] = flags;
  bytes[start + 3] = senderBytes;
  bytes[start + 4] = keyBytes;
  return at;
}

/** Where the terms end that begin there; -1 when they do not end before `end`, or could not have been sent. */
export function endOfTerms(bytes: Buffer, at: number, end: number): number {
  if (at + HEAD_BYTES > end) return -1;
  const ends = at + SIZE_BYTES + bytes.readUInt16LE(at);
  const flags = bytes[at + 2] as number;
  const keyBytes = bytes[at + 4] as number;
  const isSum = (flags & FLAG.sum) !== 0;
  const known = (isSum ? AMOUNT_BYTES : 0) + (bytes[at + 3] as number) + keyBytes;
  if (ends > end || at + HEAD_BYTES + known > ends) return -1;
  if ((flags & (FLAG.latest | FLAG.sum)) !== 0 && keyBytes === 0) return -1;
  if (isSum && !Number.isSafeInteger(bytes.readDoubleLE(at + HEAD_BYTES))) return -1;
  return ends;
}

/** Reads terms one after the other; those of the same bytes as the ones before are the same object. */
export class TermsReader {
  /** Where those end that were read last. */
  end = 0;
  #last: Terms = {};
  #bytes: Buffer = Buffer.alloc(0);
  #start = 0;

  /** @param start where terms begin that are whole */
  read(bytes: Buffer, start: number): Terms {
    const end = start + SIZE_BYTES + bytes.readUInt16LE(start);
    if (!this.#isLast(bytes, start, end)) this.#last = termsAt(bytes, start);
    this.#bytes = bytes;
    this.#start = start;
    this.end = end;
    return this.#last;
  }

  #isLast(bytes: Buffer, start: number, end: number): boolean {
    const [last, from] = [this.#bytes, this.#start];
    if (end - start !== this.end - from) return false;
    for (let i = end - start - 1; i >= 0; i--) if (bytes[start + i] !== last[from + i]) return false;
    return true;
  }
}

function termsAt(bytes: Buffer, start: number): Terms {
  const flags = bytes[start + 2] as number;
  const isSum = (flags & FLAG.sum) !== 0;
  const senderAt = start + HEAD_BYTES + (isSum ? AMOUNT_BYTES : 0);
  const keyAt = senderAt + (bytes[start + 3] as number);
  const key = bytes.toString('utf8', keyAt, keyAt + (bytes[start + 4] as number));
  let conflate: Conflation | undefined;
  if (isSum) conflate = { mode: 'sum', key, amount: bytes.readDoubleLE(start + HEAD_BYTES) };
  else if ((flags & FLAG.latest) !== 0) conflate = { mode: 'latest', key };
  return {
    ...(keyAt > senderAt && { sender: bytes.toString('utf8', senderAt, keyAt) }),
    ...((flags & FLAG.reserved) !== 0 && { reserved: true }),
    ...(conflate !== undefined && { conflate }),
  };
}
