/** Type-checks the project in the given folder: tsconfig.json, then tsconfig.lib.json (sources alone, no Node) if any. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const compiler = path.join(path.dirname(createRequire(import.meta.url).resolve('typescript7/package.json')), 'bin/tsc');
const project = process.argv[2] ?? '.';
const configs = ['tsconfig.json', 'tsconfig.lib.json']
  .map((file) => path.join(project, file))
  .filter((file) => existsSync(file));

for (const config of configs) {
  const { status } = spawnSync(process.execPath, [compiler, '--noEmit', '-p', config], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
