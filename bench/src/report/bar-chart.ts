/** Owns: bars beside names, one or two a name, on one axis from 0. Pure. */
import { axisTo, figure } from './axis.js';
import { drawing, element, text } from './svg.js';

export interface BarChart {
  readonly title: string;
  /** With its unit. */
  readonly axis: string;
  /** At most two. */
  readonly series: readonly string[];
  /** A value for each of the series; undefined where there is none. */
  readonly rows: readonly { readonly name: string; readonly values: readonly (number | undefined)[] }[];
}

const WIDTH = 760;
const LEFT = 130;
/** For the figure behind the longest bar. */
const RIGHT = 90;
const TITLE = 44;
/** Of the names of several series. */
const KEYS = 22;
const BOTTOM = 48;
const BAR = 16;
const GAP = 14;
const CLASSES = ['a', 'b'];

export function drawBars({ title, axis: label, series, rows }: BarChart): string {
  const rowHeight = BAR * series.length + GAP;
  const first = series.length > 1 ? TITLE + KEYS : TITLE;
  const height = first + rows.length * rowHeight + BOTTOM;
  const foot = height - BOTTOM;
  const axis = axisTo(Math.max(...rows.flatMap(({ values }) => values.map((value) => value ?? 0))));
  const x = (value: number): number => LEFT + (value / axis.to) * (WIDTH - LEFT - RIGHT);
  const marks = axis.ticks.flatMap((tick) => [
    element('line', { class: 'line', x1: x(tick), y1: first - 6, x2: x(tick), y2: foot }),
    text(figure(tick), { class: 'soft', x: x(tick), y: foot + 18, 'text-anchor': 'middle' }),
  ]);
  const keys = series.flatMap((name, index) => {
    const left = LEFT + index * 270;
    return [
      element('rect', { class: CLASSES[index] ?? 'a', x: left, y: 36, width: 12, height: 12 }),
      text(name, { class: 'soft', x: left + 18, y: 46 }),
    ];
  });
  const bars = rows.flatMap(({ name, values }, row) => {
    const top = first + row * rowHeight;
    const middle = top + (BAR * series.length) / 2 + 4.5;
    return [
      text(name, { x: LEFT - 10, y: middle, 'text-anchor': 'end' }),
      ...values.flatMap((value, index) => {
        if (value === undefined) return [];
        const y = top + index * BAR;
        const width = Math.max(1, x(value) - LEFT);
        return [
          element('rect', { class: CLASSES[index] ?? 'a', x: LEFT, y: y + 1, width, height: BAR - 2, rx: 2 }),
          text(figure(value), { class: 'soft', x: LEFT + width + 6, y: y + BAR - 4 }),
        ];
      }),
    ];
  });
  const labels = [
    text(title, { class: 'title', x: 16, y: 24 }),
    text(label, { class: 'soft', x: (LEFT + WIDTH - RIGHT) / 2, y: foot + 38, 'text-anchor': 'middle' }),
  ];
  return drawing({ width: WIDTH, height }, title, ...labels, ...(series.length > 1 ? keys : []), ...marks, ...bars);
}
