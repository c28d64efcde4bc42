/**
 * Members that travel often are named by a number (PR-130). Numbers are never given anew; the others go by their names.
 */
export const MEMBER_NAMES = {
  1: 'type',
  2: 'id',
  3: 'group',
  4: 'event',
  5: 'data',
  6: 'time',
  7: 'version',
  8: 'lane',
  9: 'method',
  10: 'key',
  11: 'sum',
  12: 'conflated',
  13: 'confirm',
} as const;

export type MemberNumber = keyof typeof MEMBER_NAMES;

const NAMES: Readonly<Record<number, string | undefined>> = MEMBER_NAMES;

/** @param given on the wire: a number that the table has stands for a name, a text of digits for nothing but itself */
export function memberName(given: string | number): string {
  return typeof given === 'string' ? given : (NAMES[given] ?? String(given));
}
