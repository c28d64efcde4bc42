/** The rows of a ledger, for people. Pure. */
import type { Row } from './ledger.js';

const COLUMNS: readonly (readonly [title: string, of: (row: Row) => string | number | undefined])[] = [
  ['step', ({ step }) => step],
  ['lane', ({ lane }) => lane],
  ['sent', ({ sent }) => sent],
  ['acknowledged', ({ acknowledged }) => acknowledged],
  ['delivered', ({ delivered }) => delivered],
  ['duplicates', ({ duplicates }) => duplicates],
  ['missing', ({ missing }) => missing],
  ['untold', ({ untold }) => untold],
  ['out of order', ({ outOfOrder }) => outOfOrder],
  ['told lost', ({ toldLost }) => toldLost],
  ['told unknown', ({ toldUnknown }) => toldUnknown],
  ['recovery ms', ({ recoveryMs }) => recoveryMs],
];

export function formatTable(rows: readonly Row[]): string {
  const cells = [
    COLUMNS.map(([title]) => title),
    ...rows.map((row) => COLUMNS.map(([, of]) => of(row)?.toLocaleString('en') ?? '–')),
  ];
  const widths = COLUMNS.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  const text = (line: readonly string[]): string =>
    line
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return cells.map(text).join('\n');
}
