import { describe, expect, it } from 'vitest';
import { cellSettings, findCells } from './cell-place.js';

const from = (cell: string, name: string): string => `${cell}=${name}@tcp://10.0.0.5:7801`;

describe('findCells', () => {
  it('knows the homes of groups and the bridges from each other cell', () => {
    const bridge = [from('a', 'a-1'), from('a', 'a-2'), from('c', 'c-1')];
    const cells = findCells({ cell: 'b', homes: ['u:*=c', 'r:eu-*=b', '*=a'], bridge });
    expect(cells?.homes.homeOf('r:eu-1')).toBe('b');
    expect([...(cells?.bridges ?? [])].map(([cell, list]) => [cell, list.map(({ id }) => id)])).toEqual([
      ['a', ['a-1', 'a-2']],
      ['c', ['c-1']],
    ]);
    expect(cells?.bridges.get('c')?.[0]?.subscribe.priority).toBe('tcp://10.0.0.5:7804');
  });

  it('finds one cell where none is named', () => {
    expect(findCells({ cell: undefined, homes: [], bridge: [] })).toBeUndefined();
  });

  it.each([
    ['rules without a cell', { cell: undefined, homes: ['*=a'], bridge: [] }, /cell: the name of this cell/],
    ['a cell without rules', { cell: 'a', homes: [], bridge: [] }, /homes: the last rule must fit everything/],
    ['a home that no bridge comes from', { cell: 'b', homes: ['*=a'], bridge: [] }, /bridge: a bridge from cell a/],
    ['a bridge from itself', { cell: 'a', homes: ['*=a'], bridge: [from('a', 'x')] }, /bridge: none from cell a/],
    ['a bridge from no home', { cell: 'a', homes: ['*=a'], bridge: [from('z', 'x')] }, /bridge: none from cell z/],
  ])('refuses %s in a line', (_, config, line) => {
    expect(() => findCells(config)).toThrow(line);
  });

  it.each(['a-1@tcp://10.0.0.5:7801', 'A=a@tcp://10.0.0.5:7801', '=a@tcp://10.0.0.5:7801', 'a=tcp://10.0.0.5:7801'])(
    'takes %j for no bridge',
    (text) => {
      expect(cellSettings.bridge.schema.safeParse([text]).success).toBe(false);
      expect(cellSettings.bridge.schema.safeParse([from('a', 'a-1')]).success).toBe(true);
    },
  );
});
