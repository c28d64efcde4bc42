/** Owns: the page that shows plots beside what they were taken on. Pure. */
import { circumstancesOf, type WorkloadResult } from '../harness/result.js';
import type { Plot } from './plots.js';

/** A result with what was drawn of it. */
export interface Drawn {
  readonly result: WorkloadResult;
  readonly plots: readonly Plot[];
}

/** In Markdown, for the folder in which the plots are. */
export function pageOf(drawn: readonly Drawn[]): string {
  const sections = drawn.map(({ result, plots }) => [
    `## ${result.workload}`,
    ...plots.map(({ name, title }) => `![${title}](${name}.svg)`),
    circumstancesOf(result).join('  \n'),
  ]);
  const intro =
    'Drawn by `npm run bench -- report`. How it was measured stands in README.md of the bench, tables in RESULTS.md.';
  return `${['# Plots', intro, ...sections.flat()].join('\n\n')}\n`;
}
