/**
 * Positions in the page's localStorage, entry point `@im/client-sdk/local-storage`: after a reload the client is
 * brought what came meanwhile.
 */
import type { Position, Positions } from '@im/protocol';
import type { PositionStore } from '../options.js';
import { readPositions } from '../positions/read-positions.js';

/** What is needed of a `Storage`. */
export type TextStorage = Pick<Storage, 'getItem' | 'setItem'>;

/**
 * @param key of one user on one device, such as `im:ann:phone-1`. Tabs that share it share one position: what one has
 * seen is not brought to the other after its reload
 * @param storage default: the page's localStorage
 */
export function localStoragePositions(key: string, storage: TextStorage = localStorage): PositionStore {
  const read = (): Record<string, Position> => {
    let stored: unknown;
    try {
      stored = JSON.parse(storage.getItem(key) ?? '{}');
    } catch {
      // Somebody else wrote there: begin anew.
    }
    return readPositions(Object(stored));
  };
  let positions: Record<string, Position> | undefined;
  return {
    load(): Positions {
      positions = read();
      return { ...positions };
    },
    save(group, position) {
      positions ??= read();
      if (position) positions[group] = position;
      else delete positions[group];
      storage.setItem(key, JSON.stringify(positions));
    },
  };
}
