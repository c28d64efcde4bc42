/** Owns: drawing what a file of results holds into files. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { WorkloadResult } from '../harness/result.js';
import { plotsOf } from './plots.js';

/** @param file made by `--json` @returns the files it has written @throws Error when there is nothing to draw */
export async function writePlots(file: string, folder: string): Promise<readonly string[]> {
  const result = JSON.parse(await readFile(file, 'utf8')) as WorkloadResult;
  const plots = plotsOf(result);
  if (plots.length === 0) throw new Error(`there are no plots of ${result.workload}`);
  await mkdir(folder, { recursive: true });
  return Promise.all(
    plots.map(async ({ name, svg }) => {
      const target = path.join(folder, `${name}.svg`);
      await writeFile(target, svg);
      return target;
    }),
  );
}
