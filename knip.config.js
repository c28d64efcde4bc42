// Finds files, exports and dependencies that nothing uses.
import path from 'node:path';
import { readMembersWithEntryPoints, workspaceRoot } from './tools/workspace/packages.mjs';

/** Entry points come from `exports`, as sources rather than as the built files that it names. */
const libraries = Object.fromEntries(
  readMembersWithEntryPoints().map(({ folder, entryPoints }) => [
    path.relative(workspaceRoot, folder),
    {
      // Tests start programs below a folder `fixtures` as processes, by path; people start benchmarks.
      entry: [...entryPoints.map(({ source }) => path.relative(folder, source)), 'src/**/fixtures/*.ts', 'bench/*.mjs'],
      // The layers of the design are declared before every import of them is written.
      ignoreDependencies: [/^@im\//],
    },
  ]),
);

export default {
  // The catalog is the list of versions that were tried together, also of those not used yet.
  rules: { catalog: 'off' },
  workspaces: {
    '.': {
      project: ['*.{ts,js,mjs}'],
      // Called by name from tools/.
      ignoreDependencies: ['@arethetypeswrong/cli', 'publint', 'typescript7'],
    },
    ...libraries,
    'packages/timeline': {
      ...libraries['packages/timeline'],
      // Part of Linux, or a Debian package; tests that need them are skipped by name where they are missing.
      ignoreBinaries: ['chattr', 'mount', 'prlimit', 'strace', 'umount', 'unshare'],
    },
    // Started as a program, found by its path; so is the `im` command.
    'tests/chaos': { entry: ['src/main.ts'], ignoreDependencies: ['@im/im'] },
    // Started as processes, found by their paths.
    'tests/integration': { entry: ['src/programs/*.mjs'], ignoreBinaries: ['prlimit'] },
    'apps/*': { entry: ['src/main.ts'] },
    // Serves the built page as files: found by its path.
    'apps/im': { entry: ['src/main.ts'], ignoreDependencies: ['@im/demo'] },
    bench: {
      // Started as a program, found by its path.
      ignoreDependencies: ['@im/im'],
      entry: [
        'src/{main,load/main,publisher/main}.ts',
        'peers/*/server.{ts,js}',
        'systems/*/server.ts',
        // The parts of chains.
        '{peers,systems}/*/{broker,worker,caller,hung-worker,flooder,node,publisher,pusher,receiver,subscriber,gifts,clients}.ts',
      ],
      // Part of Linux; the bench does without where it is missing.
      ignoreBinaries: ['taskset', 'chrt'],
    },
    // What the examples of documents import.
    'tests/docs': { ignoreDependencies: [/^@im\//, '@types/ws', 'jose', 'ws', 'zod'] },
    tools: {
      entry: ['bootstrap/{start,test,run,bench,chaos,simulate}.mjs', 'build/*.mjs', 'release/{checks,total}.mjs'],
      project: ['**/*.{mjs,ts}', '!lint/fixtures/**'],
    },
  },
};
