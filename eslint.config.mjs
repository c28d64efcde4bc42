// Biome formats and lints; ESLint does what needs types or the project graph.
import { builtinModules } from 'node:module';
import path from 'node:path';
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';
import { depConstraints, nodeGlobals } from './tools/lint/boundaries.mjs';
import { refreshProjectGraph } from './tools/lint/project-graph.mjs';
import { readFolders, workspaceRoot } from './tools/workspace/packages.mjs';

refreshProjectGraph();

const members = readFolders(workspaceRoot, ['packages', 'apps', 'tests', '.']);

/** Globs of the sources of every project with one of these runtime tags, what serves tests aside. @param {string[]} tags */
const sourcesWithTag = (...tags) =>
  members
    .filter(({ manifest }) => tags.some((tag) => manifest.nx?.tags?.includes(tag)))
    .map(({ folder }) => `${path.relative(workspaceRoot, folder)}/src/**/*.ts`);

// One TypeScript program a run: the project's in a project's folder, else one for the whole workspace, because a program
// for each tsconfig.json takes four times as long.
const project = path.resolve(process.cwd() === workspaceRoot ? 'tsconfig.lint.json' : 'tsconfig.json');

export default tseslint.config(
  { ignores: ['**/dist/**', '**/*.mjs', 'tools/lint/fixtures/**', '.nx/**'] },
  {
    files: ['**/*.ts'],
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { project },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { '@nx': nx, '@typescript-eslint': tseslint.plugin },
    rules: {
      '@nx/enforce-module-boundaries': ['error', { depConstraints, banTransitiveDependencies: true }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-unnecessary-type-assertion': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/prefer-promise-reject-errors': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    files: sourcesWithTag('runtime:any', 'runtime:browser'),
    // Tests and what is exported for tests run in Node; tsconfig.lib.json leaves out the same files.
    ignores: ['**/*.test.ts', '**/src/testing/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: builtinModules.map((name) => ({ name, message: 'This project must also run outside Node.' })),
          patterns: [{ group: ['node:*'], message: 'This project must also run outside Node.' }],
        },
      ],
      'no-restricted-globals': ['error', ...nodeGlobals],
    },
  },
);
