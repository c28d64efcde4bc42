import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { defineConfig } from 'vitest/config';
import { readFolders, readMembersWithEntryPoints, workspaceRoot } from './tools/workspace/packages.mjs';

// Tests run on sources: every entry point of every package is an alias of its TypeScript file.
const alias = readMembersWithEntryPoints()
  .flatMap(({ entryPoints }) => entryPoints)
  .map(({ specifier, source }) => ({ find: new RegExp(`^${specifier}$`), replacement: source }));

const setupFiles = [path.join(workspaceRoot, 'tools/workspace/patient-waits.ts')];

const unitProjects = readFolders(workspaceRoot, ['packages', 'apps', 'tests', '.'])
  .filter(({ manifest }) => manifest.nx?.targets?.test !== undefined)
  .map(({ name, folder }) => ({
    resolve: { alias },
    test: {
      name: `unit:${name}`,
      root: folder,
      include: [existsSync(path.join(folder, 'src')) ? 'src/**/*.test.ts' : '**/*.test.ts'],
      // Generous: it is there to end what hangs, never to judge how fast a machine is.
      setupFiles,
      testTimeout: 60_000,
      hookTimeout: 60_000,
    },
  }));

// Tests of the whole may take long. Those of integration wait for processes most of the time; the others want the machine for themselves.
const wholeSystem = ['integration', 'chaos', 'clients', 'docs', 'e2e'].map((name) => ({
  resolve: { alias },
  test: {
    name,
    root: path.join(workspaceRoot, 'tests', name),
    include: ['src/**/*.test.ts'],
    setupFiles,
    fileParallelism: name === 'integration',
    testTimeout: name === 'e2e' ? 180_000 : 60_000,
    hookTimeout: 120_000,
  },
}));

export default defineConfig({
  test: {
    // Processes, not threads: native addons (lmdb, zeromq) do not all survive being loaded in several threads.
    pool: 'forks',
    // By default a core is left alone: on two, one file after the other. More than four would start too many clusters at once.
    maxWorkers: Math.min(availableParallelism(), 4),
    passWithNoTests: true,
    projects: [...unitProjects, ...wholeSystem],
  },
});
