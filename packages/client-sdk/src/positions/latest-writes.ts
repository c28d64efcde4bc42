/**
 * Positions on their way into a store that takes its time: one write at once, of each group only the latest. Owns what waits; must not
 * know where it is written.
 */
import type { Position } from '@im/protocol';

/** Group → position; undefined forgets the group. */
export type PositionChanges = ReadonlyMap<string, Position | undefined>;

/**
 * What waits is no more than one position a group. What could not be written waits for the next change, and is told.
 * @param write settles when all of the changes are in the store, or none
 * @returns `save` of a position store
 */
export function latestWrites(
  write: (changes: PositionChanges) => Promise<void>,
  report: (error: unknown) => void,
): (group: string, position: Position | undefined) => void {
  let waiting = new Map<string, Position | undefined>();
  let writing = false;

  async function drain(): Promise<void> {
    // What is saved in the same turn is written together.
    await Promise.resolve();
    while (waiting.size > 0) {
      const changes = waiting;
      waiting = new Map();
      try {
        await write(changes);
      } catch (error) {
        waiting = new Map([...changes, ...waiting]);
        report(error);
        break;
      }
    }
    writing = false;
  }

  return (group, position) => {
    waiting.set(group, position);
    if (writing) return;
    writing = true;
    void drain();
  };
}
