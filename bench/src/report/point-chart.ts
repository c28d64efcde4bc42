/** Owns: named points on two axes from 0, with a way through those that belong together. Pure. */
import { axisTo, figure } from './axis.js';
import { drawing, element, text } from './svg.js';

interface Point {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  /** One of a series: the way goes through those, in their order. */
  readonly onWay: boolean;
}

export interface PointChart {
  readonly title: string;
  /** With their units. */
  readonly axes: { readonly x: string; readonly y: string };
  readonly points: readonly Point[];
}

const WIDTH = 760;
const HEIGHT = 440;
const LEFT = 70;
const RIGHT = 100;
const TOP = 48;
const FOOT = HEIGHT - 56;

export function drawPoints({ title, axes, points }: PointChart): string {
  const across = axisTo(Math.max(0, ...points.map((point) => point.x)));
  const up = axisTo(Math.max(0, ...points.map((point) => point.y)));
  const x = (value: number): number => LEFT + (value / across.to) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number => FOOT - (value / up.to) * (FOOT - TOP);
  const marks = [
    ...across.ticks.flatMap((tick) => [
      element('line', { class: 'line', x1: x(tick), y1: TOP, x2: x(tick), y2: FOOT }),
      text(figure(tick), { class: 'soft', x: x(tick), y: FOOT + 18, 'text-anchor': 'middle' }),
    ]),
    ...up.ticks.flatMap((tick) => [
      element('line', { class: 'line', x1: LEFT, y1: y(tick), x2: WIDTH - RIGHT, y2: y(tick) }),
      text(figure(tick), { class: 'soft', x: LEFT - 8, y: y(tick) + 4, 'text-anchor': 'end' }),
    ]),
  ];
  const way = points.filter(({ onWay }) => onWay).map((point) => `${Math.round(x(point.x))},${Math.round(y(point.y))}`);
  const dots = points.flatMap((point) => [
    element('circle', { class: point.onWay ? 'a' : 'b', cx: x(point.x), cy: y(point.y), r: 5 }),
    // To the left of those on the right: there is room for it.
    text(point.name, {
      x: x(point.x) + (point.x > across.to / 2 ? -9 : 9),
      y: y(point.y) - 7,
      'text-anchor': point.x > across.to / 2 ? 'end' : 'start',
    }),
  ]);
  const labels = [
    text(title, { class: 'title', x: 16, y: 24 }),
    text(axes.x, { class: 'soft', x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 16, 'text-anchor': 'middle' }),
    text(axes.y, {
      class: 'soft',
      x: 16,
      y: (TOP + FOOT) / 2,
      transform: `rotate(-90 16 ${(TOP + FOOT) / 2})`,
      'text-anchor': 'middle',
    }),
  ];
  const ways = way.length > 1 ? [element('polyline', { class: 'way', points: way.join(' ') })] : [];
  return drawing({ width: WIDTH, height: HEIGHT }, title, ...labels, ...marks, ...ways, ...dots);
}
