import { expect, it } from 'vitest';
import { chooseSystems, compareSystems } from './compare.js';

const system = (name: string, missing?: string) => ({ name, missing: () => missing });
const a = system('a');
const b = system('b', 'no program `b`');
const c = system('c');

it('takes turns, gives medians, and names who is missing', async () => {
  const turns: string[] = [];
  const found = await compareSystems([a, b, c], 3, async ({ name }) => {
    turns.push(name);
    return { rate: turns.length };
  });
  expect(turns).toEqual(['a', 'c', 'a', 'c', 'a', 'c']);
  expect(found).toEqual({
    runs: 3,
    systems: [
      { name: 'a', figures: { rate: 3 } },
      { name: 'c', figures: { rate: 4 } },
    ],
    missing: [{ name: 'b', reason: 'no program `b`' }],
  });
});

it('chooses all, or those that are named, and knows no others', () => {
  expect(chooseSystems([a, b, c])).toEqual([a, b, c]);
  expect(chooseSystems([a, b, c], ['c'])).toEqual([c]);
  expect(() => chooseSystems([a, b, c], ['d'])).toThrow('no system d: choose of a, b, c');
});
