/** Owns: tables for people: columns as wide as they must be, numbers to the right, colours only where wanted. Pure. */

export type Colour = 'red' | 'yellow' | 'grey';

const CODES: Readonly<Record<Colour, number>> = { red: 31, yellow: 33, grey: 90 };

export interface Cell {
  readonly text: string;
  readonly colour?: Colour | undefined;
}

export interface Column<Row> {
  readonly title: string;
  /** A number is shown with thousands separated, to the right. */
  value(row: Row): string | number | Cell;
}

export function paint(text: string, colour: Colour | undefined, wanted: boolean): string {
  return wanted && colour !== undefined ? `\u001b[${CODES[colour]}m${text}\u001b[0m` : text;
}

/** With a line break at the end of each line; the titles alone when there are no rows. */
export function formatTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], colours: boolean): string {
  const cells = rows.map((row) => columns.map((column) => cellOf(column.value(row))));
  const right = columns.map((column) => rows.length > 0 && rows.every((row) => typeof column.value(row) === 'number'));
  const widths = columns.map(({ title }, at) =>
    Math.max(title.length, ...cells.map((line) => line[at]?.text.length ?? 0)),
  );
  const line = (texts: readonly Cell[]): string =>
    texts
      .map(({ text, colour }, at) => {
        const width = widths[at] ?? 0;
        return paint(right[at] ? text.padStart(width) : text.padEnd(width), colour, colours);
      })
      .join('  ')
      .trimEnd();
  const titles = columns.map(({ title }): Cell => ({ text: title.toUpperCase(), colour: 'grey' }));
  return [titles, ...cells].map((texts) => `${line(texts)}\n`).join('');
}

function cellOf(value: string | number | Cell): Cell {
  if (typeof value === 'number') return { text: value.toLocaleString('en-US') };
  return typeof value === 'string' ? { text: value } : value;
}

/** Something that should be 0. */
export function alarm(count: number): number | Cell {
  return count === 0 ? 0 : { text: count.toLocaleString('en-US'), colour: 'red' };
}

/** `3d 4h`, `5m 2s`, `840ms` */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  const seconds = Math.floor(ms / 1_000);
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days}d ${hours}h`;
  if (hours > 0) return `${hours}h ${minutes}m`;
  return minutes > 0 ? `${minutes}m ${seconds % 60}s` : `${seconds}s`;
}
