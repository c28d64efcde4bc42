import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { childEnvironment } from '../bootstrap/environment.mjs';
import { workspaceRoot } from '../workspace/packages.mjs';

let workspace: string;

// The fixtures are excluded where they live, so they are linted in a copy: as sources of a package, by our biome.json.
beforeAll(() => {
  workspace = mkdtempSync(path.join(tmpdir(), 'lint-'));
  cpSync(path.join(workspaceRoot, 'biome.json'), path.join(workspace, 'biome.json'));
  cpSync(path.join(workspaceRoot, '.gitignore'), path.join(workspace, '.gitignore'));
  cpSync(path.join(import.meta.dirname, 'fixtures'), path.join(workspace, 'packages/example/src'), { recursive: true });
});

afterAll(() => rmSync(workspace, { recursive: true }));

it.each([
  ['console.ts', 'lint/suspicious/noConsole'],
  ['any.ts', 'lint/suspicious/noExplicitAny'],
  ['cycle/first.ts', 'lint/suspicious/noImportCycles'],
])('%s in a package is reported by %s', (fixture, rule) => {
  const args = ['lint', '--reporter=json', path.join('packages/example/src', fixture)];
  const { stdout, status } = spawnSync('biome', args, { cwd: workspace, env: childEnvironment(), encoding: 'utf8' });
  const reported = JSON.parse(stdout).diagnostics.map(({ category }: { category: string }) => category);
  expect(reported).toEqual([rule]);
  expect(status).toBe(1);
});
