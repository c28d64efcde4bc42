import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { NameBatch, NameTable } from './name-table.js';

interface Numbered {
  readonly group: string;
  readonly number: number;
}

const name = fc.oneof(
  fc.nat(40).map((number) => `r:${number}`),
  fc.stringMatching(/^[a-z]{1,8}:[A-Za-z0-9_-]{1,64}$/),
);

/** What is found by the bytes of the names, several at a time. */
function findTogether(table: NameTable<Numbered>, names: readonly string[]): (number | undefined)[] {
  const bytes = Buffer.from(names.join(','));
  const batch = new NameBatch<Numbered>();
  const found: (number | undefined)[] = [];
  const end = (): void => {
    table.findBatch(bytes, batch);
    for (let i = 0; i < batch.count; i++) found.push(batch.found[i]?.number);
    batch.count = 0;
  };
  let at = 0;
  for (const { length } of names) {
    batch.add(at, length);
    if (batch.isFull) end();
    at += length + 1;
  }
  end();
  return found;
}

it('does what a Map does, whatever is set and deleted, by text and by the bytes of the name, alone and together', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(name, fc.boolean()), { maxLength: 400 }), (steps) => {
      const [table, map] = [new NameTable<Numbered>(), new Map<string, number>()];
      for (const [number, [group, isSet]] of steps.entries()) {
        if (isSet) {
          table.set({ group, number });
          map.set(group, number);
        } else expect(table.delete(group)).toBe(map.delete(group));
      }
      expect(table.size).toBe(map.size);
      expect([...table.values()].map(({ number }) => number).sort()).toEqual([...map.values()].sort());
      const names = steps.map(([group]) => group);
      for (const group of names) {
        const bytes = Buffer.from(`..${group}..`);
        expect(table.get(group)?.number).toBe(map.get(group));
        expect(table.find(bytes, 2, group.length)?.number).toBe(map.get(group));
      }
      expect(findTogether(table, names)).toEqual(names.map((group) => map.get(group)));
    }),
  );
});

it('shrinks when it empties, and finds the rest', () => {
  const table = new NameTable<Numbered>();
  const names = Array.from({ length: 10_000 }, (_, room) => `r:${room}`);
  names.forEach((group, number) => {
    table.set({ group, number });
  });
  for (const group of names.slice(0, 9_990)) table.delete(group);
  expect(table.size).toBe(10);
  const rest = names.map((_, number) => (number < 9_990 ? undefined : number));
  expect(names.map((group) => table.get(group)?.number)).toEqual(rest);
  expect(findTogether(table, names)).toEqual(rest);
});
