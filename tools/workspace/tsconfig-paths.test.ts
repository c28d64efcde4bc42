import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { baseConfigFile, expectedPaths } from './tsconfig-paths.mjs';

it('tsconfig.base.json maps exactly the entry points that the packages export', () => {
  const config = JSON.parse(readFileSync(baseConfigFile, 'utf8'));
  expect(config.compilerOptions.paths, 'run: node tools/workspace/tsconfig-paths.mjs').toEqual(expectedPaths());
});
