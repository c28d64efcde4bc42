import { describe, expect, it } from 'vitest';
import { alarm, durationText, formatTable } from './table.js';

const columns = [
  { title: 'name', value: ({ name }: { name: string; count: number }) => name },
  { title: 'count', value: ({ count }: { name: string; count: number }) => count },
];

describe('a table', () => {
  it('has columns as wide as they must be, numbers to the right', () => {
    const rows = [
      { name: 'a', count: 1_234_567 },
      { name: 'longer', count: 5 },
    ];
    expect(formatTable(columns, rows, false)).toBe(
      ['NAME        COUNT', 'a       1,234,567', 'longer          5', ''].join('\n'),
    );
  });

  it('shows its titles when there is nothing to show', () => {
    expect(formatTable(columns, [], false)).toBe('NAME  COUNT\n');
  });

  it('has colours only where they are wanted, which change no width', () => {
    const failed = [{ title: 'failed', value: (count: number) => alarm(count) }];
    const [, plain] = formatTable(failed, [3], false).split('\n');
    const [, coloured] = formatTable(failed, [3], true).split('\n');
    expect(plain).toBe('3');
    expect(coloured).toBe('\u001b[31m3     \u001b[0m');
  });
});

it.each([
  [0.4, '0ms'],
  [840, '840ms'],
  [2_000, '2s'],
  [302_000, '5m 2s'],
  [3_600_000 + 120_000, '1h 2m'],
  [3 * 86_400_000 + 4 * 3_600_000, '3d 4h'],
])('tells %d ms as %s', (ms, text) => {
  expect(durationText(ms)).toBe(text);
});
