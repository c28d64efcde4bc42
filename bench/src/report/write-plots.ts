/** Owns: drawing what files of results hold into files, and a page of them. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { WorkloadResult } from '../harness/result.js';
import { type Drawn, pageOf } from './plot-page.js';
import { plotsOf } from './plots.js';

/** @param files made by `--json` @returns the files it has written @throws Error when there is nothing to draw of one */
export async function writePlots(files: readonly string[], folder: string): Promise<readonly string[]> {
  const drawn = await Promise.all(files.map(draw));
  await mkdir(folder, { recursive: true });
  const targets = [
    ...drawn.flatMap(({ plots }) => plots.map(({ name, svg }) => ({ name: `${name}.svg`, text: svg }))),
    { name: 'README.md', text: pageOf(drawn) },
  ];
  return Promise.all(
    targets.map(async ({ name, text }) => {
      const target = path.join(folder, name);
      await writeFile(target, text);
      return target;
    }),
  );
}

async function draw(file: string): Promise<Drawn> {
  const result = JSON.parse(await readFile(file, 'utf8')) as WorkloadResult;
  const plots = plotsOf(result);
  if (plots.length === 0) throw new Error(`there are no plots of ${result.workload}`);
  return { result, plots };
}
