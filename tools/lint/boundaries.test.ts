import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ESLint } from 'eslint';
import { describe, expect, it } from 'vitest';
import { readFolders, workspaceRoot } from '../workspace/packages.mjs';
import { layers, runtimes } from './boundaries.mjs';

const eslint = new ESLint({
  cwd: workspaceRoot,
  overrideConfig: {
    languageOptions: {
      parserOptions: { project: false, projectService: { allowDefaultProject: ['*/*/src/*.fixture.ts'] } },
    },
  },
});

/** The rules that report a fixture when it is linted as a source file of `project`. */
async function rulesReporting(fixture: string, project: string): Promise<(string | null)[]> {
  const code = readFileSync(path.join(import.meta.dirname, 'fixtures', fixture), 'utf8');
  const [result] = await eslint.lintText(code, { filePath: `${project}/src/${path.parse(fixture).name}.fixture.ts` });
  return result?.messages.map(({ ruleId }) => ruleId) ?? [];
}

const boundaries = '@nx/enforce-module-boundaries';

describe('module boundaries', () => {
  it.each([
    ['upward-import.ts', 'packages/protocol', boundaries],
    ['sideways-import.ts', 'packages/rpc', boundaries],
    ['app-import.ts', 'apps/demo', boundaries],
    ['node-package-import.ts', 'apps/demo', boundaries],
    ['node-builtin-import.ts', 'packages/groups', 'no-restricted-imports'],
    ['node-global.ts', 'packages/client-sdk', 'no-restricted-globals'],
    ['floating-promise.ts', 'packages/rpc', '@typescript-eslint/no-floating-promises'],
  ])('%s in %s is reported by %s', { timeout: 60_000 }, async (fixture, project, rule) => {
    const reported = await rulesReporting(fixture, project);
    expect(reported).not.toHaveLength(0);
    expect(new Set(reported)).toEqual(new Set([rule]));
  });

  it('lets the gateway import everything below it', { timeout: 60_000 }, async () => {
    expect(await rulesReporting('allowed-imports.ts', 'packages/gateway')).toEqual([]);
  });

  it('every project has one known tag on each axis', () => {
    for (const { name, manifest } of readFolders(workspaceRoot, ['packages', 'apps', 'tests', '.'])) {
      const tags: string[] = manifest.nx?.tags ?? [];
      expect(
        tags.filter((tag) => tag in layers),
        `${name} layer`,
      ).toHaveLength(1);
      expect(
        tags.filter((tag) => tag in runtimes),
        `${name} runtime`,
      ).toHaveLength(1);
    }
  });
});
