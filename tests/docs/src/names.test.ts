/** What documents name within sentences is there: figures, options and functions, files, packages. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readDocuments, repository } from './documents.js';

const FIGURE = /\bim_[a-z]+_[a-z_]+[a-z]/g;
/** `maxHeld`, `createGateway({ … })`, `errors.toBody()`: what begins with a camel's hump. */
const IDENTIFIER = /^[a-z]+(?:[A-Z][a-zA-Z0-9]*)+(?=$|[(:.=])/;
const FILE = /^[\w./-]+\.(?:ts|mjs|js|json|md|yaml|sh)$/;
const ENTRY_POINT = /^@im\/[\w-]+(?:\/[\w-]+)?$/;

/** Other people's. */
const FOREIGN: readonly string[] = ['enableServiceLinks'];

const spans = readDocuments().flatMap((document) => document.spans);
const files = filesBelow(repository);
/** The code of all packages, apps, clients and the bench, tests aside; and what pnpm is told. */
const sources = files
  .filter(
    (file) =>
      /^((packages|apps)\/[\w-]+|bench)\/src\/.*(?<!\.test)\.ts$|^pnpm-workspace\.yaml$/.test(file) ||
      /^clients\/(?!.*test).*\.(go|php|py)$/.test(file),
  )
  .filter((file) => !file.includes('/fixtures/'))
  .map((file) => readFileSync(path.join(repository, file), 'utf8'));

describe('documents', () => {
  it('name every figure that the code records, in docs/metrics.md', () => {
    const where = spans.filter(({ document }) => document === 'docs/metrics.md');
    const named = new Set(where.flatMap(({ text }) => text.match(FIGURE) ?? []));
    const recorded = sources.flatMap((source) => source.match(/(?<=')im_[a-z]+_[a-z_]+(?=')/g) ?? []);
    expect(recorded.length).toBeGreaterThan(30);
    expect([...new Set(recorded)].filter((name) => !named.has(name))).toEqual([]);
  });

  it('name only figures that the code records', () => {
    const isRecorded = (name: string): boolean => sources.some((source) => records(source, name));
    expect(wrong((text) => text.match(FIGURE) ?? [], isRecorded)).toEqual([]);
  });

  it('name only options and functions that the code has', () => {
    const words = new Set([...FOREIGN, ...sources.flatMap((source) => source.match(/\w+/g) ?? [])]);
    expect(
      wrong(
        (text) => text.match(IDENTIFIER) ?? [],
        (name) => words.has(name),
      ),
    ).toEqual([]);
  });

  it('name only files that are there', () => {
    const isThere = (name: string): boolean =>
      files.some((file) => `/${file}`.endsWith(`/${name.replace(/^\.\//, '')}`));
    expect(wrong((text) => text.match(FILE) ?? [], isThere)).toEqual([]);
  });

  it('name only packages that are there', () => {
    const config = JSON.parse(readFileSync(path.join(repository, 'tsconfig.base.json'), 'utf8')) as {
      compilerOptions: { paths: Record<string, unknown> };
    };
    expect(
      wrong(
        (text) => text.match(ENTRY_POINT) ?? [],
        (name) => name in config.compilerOptions.paths,
      ),
    ).toEqual([]);
  });
});

/** What is named and is not there, with its line. */
function wrong(namesIn: (text: string) => readonly string[], isThere: (name: string) => boolean): string[] {
  return spans.flatMap(({ document, line, text }) =>
    namesIn(text)
      .filter((name) => !isThere(name))
      .map((name) => `${document}:${line}: ${name}`),
  );
}

/** Whether a name stands in a source as it is, or is put together there: `im_rpc_${name}`. */
function records(source: string, name: string): boolean {
  if (source.includes(`'${name}'`)) return true;
  const templates = source.matchAll(/`(im_[a-z_]+)\$\{\w+\}([a-z_]*)`/g);
  return [...templates].some(([, start = '', end = '']) => {
    const middle = name.slice(start.length, name.length - end.length);
    return name === start + middle + end && new RegExp(`\\b${middle}\\b`).test(source);
  });
}

/** Paths below a folder; what is installed, built or git's aside. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !['node_modules', 'dist', '.git', '.nx', '.im'].includes(name))
    .flatMap((entry) => {
      const file = path.join(folder, entry.name);
      if (entry.isDirectory()) return filesBelow(file);
      return [path.relative(repository, file)];
    });
}
