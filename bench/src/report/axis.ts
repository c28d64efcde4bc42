/** Owns: where the marks of an axis are, and how figures are written beside them. Pure. */

export interface Axis {
  readonly to: number;
  /** From 0 to `to`. */
  readonly ticks: readonly number[];
}

const STEPS = [1, 2, 2.5, 5, 10];

/** From 0 to at least `most`, with about five marks at round numbers. */
export function axisTo(most: number): Axis {
  // Nothing above 0: an axis all the same.
  const rough = (most > 0 ? most : 1) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = (STEPS.find((one) => one * power >= rough * (1 - 1e-9)) ?? 10) * power;
  const count = Math.max(1, Math.ceil(most / step - 1e-9));
  // Not summed up, so that no rounding is.
  const ticks = Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(12)));
  return { to: ticks[count] as number, ticks };
}

/** Three digits, with separators where there are many. */
export function figure(value: number): string {
  if (value >= 1_000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}
