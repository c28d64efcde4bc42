/**
 * Keeps `paths` in tsconfig.base.json equal to the packages' entry points.
 * Run `node tools/workspace/tsconfig-paths.mjs` after adding one; a test fails when it was forgotten.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readMembersWithEntryPoints, workspaceRoot } from './packages.mjs';

export const baseConfigFile = path.join(workspaceRoot, 'tsconfig.base.json');

/** @returns {Record<string, string[]>} */
export function expectedPaths() {
  /** @type {Record<string, string[]>} */
  const paths = {};
  for (const { entryPoints } of readMembersWithEntryPoints()) {
    for (const { specifier, source } of entryPoints) {
      paths[specifier] = [`./${path.relative(workspaceRoot, source).split(path.sep).join('/')}`];
    }
  }
  return paths;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const config = JSON.parse(readFileSync(baseConfigFile, 'utf8'));
  config.compilerOptions.paths = expectedPaths();
  writeFileSync(baseConfigFile, `${JSON.stringify(config, null, 2)}\n`);
}
