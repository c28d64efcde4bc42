/** Where a position lies in a log that began another epoch since. Pure. */
import type { Position } from '@im/protocol';
import type { Head } from '@im/timeline';

/**
 * A log that went on with what it held gives a place to whoever stands in an epoch before: beyond what it held, behind that. Undefined where
 * the log says nothing of that epoch.
 */
export function continued({ epoch, version }: Position, { epoch: now, continues = [] }: Head): Position | undefined {
  const held = continues.find((before) => before.epoch === epoch);
  return held && { epoch: now, version: Math.min(version, held.version) };
}
