import { CLOSE_CODES, type CloseName } from '@im/protocol';

/** Close frames hold 125 bytes, two of them the code. */
const MAX_BYTES = 123;

/** The text of a close frame: the code's name, then a word to people (PR-125), cut to what fits. */
export function closeReason(name: CloseName, detail: string = CLOSE_CODES[name].reason): string {
  const reason = `${name}: ${detail}`;
  const bytes = Buffer.from(reason, 'utf8');
  if (bytes.length <= MAX_BYTES) return reason;
  // A character that was cut through is left out whole.
  let end = MAX_BYTES;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end).toString('utf8');
}
