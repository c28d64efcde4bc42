/** What every call of every system carries, there and back: 60 bytes of JSON. Its number shows that an answer belongs to its call. */

export interface Note {
  readonly number: number;
  readonly room: string;
  readonly text: string;
}

/** So many that all numbers of a run have the same digits, and all bodies the same length. */
const FIRST_NUMBER = 100_000_000;

/** The note of a count from 0. */
export function noteOf(count: number): Note {
  return { number: FIRST_NUMBER + count, room: '10000', text: 'a 60-byte note.' };
}
