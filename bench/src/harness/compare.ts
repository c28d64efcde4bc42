/** Systems side by side in one run: who takes part, in turns, and medians of what was found. */
import type { Figures, SystemResult, WorkloadResult } from './result.js';
import { median } from './statistics.js';

export interface Comparable {
  readonly name: string;
  /** Why it cannot be run here. */
  missing(): string | undefined;
}

export type Found = Omit<WorkloadResult, 'workload' | 'machine'>;

/** Those of these names. @throws Error for a name that none has */
export function chooseSystems<System extends Comparable>(
  systems: readonly System[],
  names: readonly string[] = systems.map(({ name }) => name),
): readonly System[] {
  return names.map((name) => {
    const system = systems.find((candidate) => candidate.name === name);
    if (system === undefined)
      throw new Error(`no system ${name}: choose of ${systems.map((each) => each.name).join(', ')}`);
    return system;
  });
}

/** Run by run rather than system by system: what else the machine does then meets all of them. */
export async function compareSystems<System extends Comparable>(
  systems: readonly System[],
  runs: number,
  measure: (system: System) => Promise<Figures>,
): Promise<Found> {
  const missing = systems.flatMap((system) => {
    const reason = system.missing();
    return reason === undefined ? [] : [{ name: system.name, reason }];
  });
  const absent = new Set(missing.map(({ name }) => name));
  const figures = new Map<System, Figures[]>(
    systems.filter(({ name }) => !absent.has(name)).map((system) => [system, []]),
  );
  for (let run = 1; run <= runs; run += 1) {
    for (const [system, found] of figures) {
      process.stderr.write(`run ${run} of ${runs}: ${system.name}\n`);
      found.push(await measure(system));
    }
  }
  const results = [...figures].map(([{ name }, found]): SystemResult => ({ name, figures: medians(found) }));
  return { runs, systems: results, missing };
}

/** Of each figure. */
function medians(runs: readonly Figures[]): Figures {
  const names = Object.keys(runs[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, median(runs.map((figures) => figures[name] ?? Number.NaN))]));
}
