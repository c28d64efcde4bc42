import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { Aliases, AliasTable } from './alias-table.js';

const alias = fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 0x7fff_ffff }));

it('knows what was set last for a number, or nothing, and never what is of another', () => {
  fc.assert(
    fc.property(fc.array(alias, { maxLength: 300 }), (set) => {
      const [table, map] = [new AliasTable<number>(), new Map<number, number>()];
      for (const [step, one] of set.entries()) {
        table.set(one, step);
        map.set(one, step);
        expect(table.get(one)).toBe(step);
      }
      for (const [one, step] of map) expect([step, undefined]).toContain(table.get(one));
    }),
  );
});

it('forgets none of numbers that follow each other', () => {
  const [table, aliases] = [new AliasTable<number>(), new Aliases()];
  for (let room = 0; room < 100_000; room++) table.set(aliases.next(), room);
  for (let room = 0; room < 100_000; room++) expect(table.get(room + 1)).toBe(room);
});

it('knows nothing of a group without a number', () => {
  const table = new AliasTable<string>();
  table.set(0, 'nothing');
  table.set(16, 'sixteen');
  expect([table.get(0), table.get(16)]).toEqual([undefined, 'sixteen']);
  table.clear();
  expect(table.get(16)).toBeUndefined();
});
