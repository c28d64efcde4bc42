import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { contentMistakes } from './tarball-contents.mjs';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tarball-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** A tarball as npm makes it, of these files. */
function tarball(files: Record<string, string>) {
  for (const [name, content] of Object.entries(files)) {
    const target = path.join(folder, 'package', name);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, content);
  }
  const file = path.join(folder, 'packed.tgz');
  execFileSync('tar', ['-czf', file, '-C', folder, 'package']);
  return { name: '@im/example', file, manifest: {} };
}

const manifest = { exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } } };
const good = {
  'package.json': JSON.stringify({ ...manifest, dependencies: { '@im/protocol': '0.1.0' } }),
  'README.md': '# @im/example',
  LICENSE: 'MIT',
  'dist/index.js': 'export {};',
  'dist/index.d.ts': 'export {};',
};

it('finds nothing wrong with a complete package', () => {
  expect(contentMistakes(tarball(good))).toEqual([]);
});

it('lets a package export data files beside dist', () => {
  const packageJson = JSON.stringify({ exports: { ...manifest.exports, './vectors/*.json': './vectors/*.json' } });
  expect(contentMistakes(tarball({ ...good, 'package.json': packageJson, 'vectors/frames.json': '[]' }))).toEqual([]);
});

it('names a pattern of exports that matches no file', () => {
  const packageJson = JSON.stringify({ exports: { ...manifest.exports, './vectors/*.json': './vectors/*.json' } });
  expect(contentMistakes(tarball({ ...good, 'package.json': packageJson, 'vectors/README.md': '' }))).toEqual([
    '@im/example: exports name vectors/*.json, which is not there',
  ]);
});

it('names a missing licence, a stray file, a packed test and an export of nothing', () => {
  const { LICENSE: _, 'dist/index.d.ts': __, ...rest } = good;
  const packed = tarball({ ...rest, 'src/index.ts': '', 'dist/index.test.js': '' });
  expect(contentMistakes(packed).sort()).toEqual([
    '@im/example: LICENSE is missing',
    '@im/example: dist/index.test.js does not belong there',
    '@im/example: exports name dist/index.d.ts, which is not there',
    '@im/example: src/index.ts does not belong there',
  ]);
});

it('refuses a dependency that only the workspace can resolve', () => {
  const packageJson = JSON.stringify({ ...manifest, dependencies: { '@im/protocol': 'workspace:*' } });
  expect(contentMistakes(tarball({ ...good, 'package.json': packageJson }))).toEqual([
    '@im/example: @im/protocol is published as "workspace:*"',
  ]);
});
