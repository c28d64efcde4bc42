import type { Position } from '@im/protocol';

/** What of a store's content, written by whomever, is a position. */
export const readPositions = (stored: object): Record<string, Position> =>
  Object.fromEntries(Object.entries(stored).filter((entry): entry is [string, Position] => isPosition(entry[1])));

function isPosition(value: unknown): value is Position {
  const { epoch, version } = (value ?? {}) as Partial<Record<keyof Position, unknown>>;
  return typeof epoch === 'string' && Number.isSafeInteger(version) && (version as number) >= 0;
}
