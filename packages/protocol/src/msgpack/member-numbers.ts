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
} as const;

export type MemberNumber = keyof typeof MEMBER_NAMES;
