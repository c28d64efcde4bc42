/** What a workload found, for programs and for people. */
import type { Machine } from './machine.js';

/** Figures by name; the unit stands in the name. */
export type Figures = Readonly<Record<string, number>>;

export interface SystemResult {
  readonly name: string;
  /** Medians of the runs. */
  readonly figures: Figures;
}

interface MissingSystem {
  readonly name: string;
  readonly reason: string;
}

export interface WorkloadResult {
  readonly workload: string;
  readonly machine: Machine;
  readonly runs: number;
  readonly systems: readonly SystemResult[];
  /** Systems that could not be run here: nothing is said about them. */
  readonly missing: readonly MissingSystem[];
}

/** More figures than fit beside each other. */
const WIDE = 12;

/** What the figures were taken on and how, in lines. */
export function circumstancesOf({ machine, runs }: WorkloadResult): readonly string[] {
  const pinning = machine.pinned ? 'server alone on one core' : 'not pinned to cores';
  return [
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${pinning}, median of ${runs}`,
    ...(machine.loadBefore > 0.5
      ? [`PROVISIONAL: the machine was at work (load ${machine.loadBefore.toFixed(2)})`]
      : []),
  ];
}

/** A table with a line a system, or a line a figure where there are many. */
export function formatResult(result: WorkloadResult): string {
  const { workload, systems, missing } = result;
  const names = [...new Set(systems.flatMap(({ figures }) => Object.keys(figures)))];
  const bySystem = [
    ['system', ...names],
    ...systems.map(({ name, figures }) => [name, ...names.map((figure) => formatFigure(figures[figure]))]),
  ];
  const rows = names.length > WIDE ? transposed(bySystem) : bySystem;
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
  const [machine, ...warnings] = circumstancesOf(result);
  return [
    `${workload}: ${machine}`,
    ...warnings,
    ...lines,
    ...missing.map(({ name, reason }) => `${name}: missing, ${reason}`),
  ].join('\n');
}

function transposed(rows: readonly string[][]): string[][] {
  return (rows[0] ?? []).map((_, column) => rows.map((row) => row[column] ?? ''));
}

function formatFigure(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '–';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  return Number.isInteger(value) ? String(value) : value.toPrecision(3);
}
