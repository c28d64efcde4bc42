/**
 * Positions in the page's localStorage, entry point `@im/client-sdk/local-storage`: after a reload the client is
 * brought what came meanwhile.
 */
import type { Position, Positions } from '@im/protocol';
import type { PositionStore } from '../options.js';

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
    return Object.fromEntries(
      Object.entries(stored ?? {}).filter((entry): entry is [string, Position] => isPosition(entry[1])),
    );
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

/** Whatever was written there, by whomever. */
function isPosition(value: unknown): value is Position {
  const { epoch, version } = (value ?? {}) as Partial<Record<keyof Position, unknown>>;
  return typeof epoch === 'string' && Number.isSafeInteger(version) && (version as number) >= 0;
}
