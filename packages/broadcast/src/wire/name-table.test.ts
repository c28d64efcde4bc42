import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { NameTable } from './name-table.js';

const name = fc.oneof(
  fc.nat(40).map((number) => `r:${number}`),
  fc.stringMatching(/^[a-z]{1,8}:[A-Za-z0-9_-]{1,64}$/),
);

it('does what a Map does, whatever is set and deleted, by text and by the bytes of the name', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(name, fc.boolean()), { maxLength: 400 }), (steps) => {
      const [table, map] = [new NameTable<number>(), new Map<string, number>()];
      for (const [step, [key, isSet]] of steps.entries()) {
        if (isSet) {
          table.set(key, step);
          map.set(key, step);
        } else expect(table.delete(key)).toBe(map.delete(key));
      }
      expect(table.size).toBe(map.size);
      expect([...table.values()].sort()).toEqual([...map.values()].sort());
      for (const [key] of steps) {
        const bytes = Buffer.from(`..${key}..`);
        expect(table.get(key)).toBe(map.get(key));
        expect(table.find(bytes, 2, key.length)).toBe(map.get(key));
      }
    }),
  );
});

it('shrinks when it empties, and finds the rest', () => {
  const table = new NameTable<number>();
  for (let room = 0; room < 10_000; room++) table.set(`r:${room}`, room);
  for (let room = 0; room < 9_990; room++) table.delete(`r:${room}`);
  expect(table.size).toBe(10);
  for (let room = 0; room < 10_000; room++) expect(table.get(`r:${room}`)).toBe(room < 9_990 ? undefined : room);
});
