/** Where a membership begins, seen from the position that the client gave (PR-95 to PR-97). Pure. */
import type { JoinedGroup, Position } from '@im/protocol';
import type { Head } from '@im/timeline';
import { continued } from '../feed/continued.js';

export type Beginning = Omit<JoinedGroup, 'group'>;

/**
 * @param given what the client saw
 * @param head where the log stands
 * @param maxReplay most entries that are replayed; what lies before them is told as missed, and can be had by `sync`
 * @param after up to here nothing is shown to this client
 */
export function recover(given: Position, head: Head, maxReplay: number, after: number): Beginning {
  const { epoch } = head;
  const oldest = Math.max(head.first - 1, head.version - maxReplay, Math.min(after, head.version));
  const unknown = { recovered: false, missed: { epoch: given.epoch, after: given.version } };
  const seen = given.epoch === epoch ? given : continued(given, head);
  // Nothing of another epoch was seen: all that is kept follows.
  if (seen === undefined) return { epoch, version: oldest, ...unknown };
  if (seen.version > head.version) return { epoch, version: head.version, ...unknown };
  // What it saw last was lost, and with it what may have come behind that.
  if (seen.version < given.version) return { epoch, version: Math.max(oldest, seen.version), ...unknown };
  if (seen.version >= oldest) return { epoch, version: seen.version, recovered: true };
  return { epoch, version: oldest, recovered: false, missed: { after: seen.version, upto: oldest } };
}
