import { expect, it } from 'vitest';
import { noteOf } from './note.js';

it('has 60 bytes of JSON, the first one and one of a long run', () => {
  for (const count of [0, 1, 800_000_000]) expect(JSON.stringify(noteOf(count))).toHaveLength(60);
  expect(noteOf(1).number).not.toBe(noteOf(0).number);
});
