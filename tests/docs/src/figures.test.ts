/** Every figure that the code records is named in a document, and every figure that a document names is recorded. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readDocuments, repository } from './documents.js';

const FIGURE = /\bim_[a-z]+_[a-z_]+[a-z]/g;

const documents = readDocuments();
const named = new Set(documents.flatMap(({ spans }) => spans.flatMap(({ text }) => text.match(FIGURE) ?? [])));

const sources = ['packages', 'apps'].flatMap((parent) =>
  readdirSync(path.join(repository, parent)).map((name) => sourceBelow(path.join(repository, parent, name, 'src'))),
);

describe('figures', () => {
  it('that the code records are named in a document', () => {
    const recorded = sources.flatMap((source) => source.match(/(?<=')im_[a-z]+_[a-z_]+(?=')/g) ?? []);
    expect(recorded.length).toBeGreaterThan(30);
    expect([...new Set(recorded)].filter((name) => !named.has(name))).toEqual([]);
  });

  it('that a document names are recorded by the code', () => {
    const isRecorded = (name: string): boolean => sources.some((source) => records(source, name));
    expect([...named].filter((name) => !isRecorded(name))).toEqual([]);
  });
});

/** Whether a name stands in a source as it is, or is put together there: `im_rpc_${name}`. */
function records(source: string, name: string): boolean {
  if (source.includes(`'${name}'`)) return true;
  const templates = source.matchAll(/`(im_[a-z_]+)\$\{\w+\}([a-z_]*)`/g);
  return [...templates].some(([, start = '', end = '']) => {
    const middle = name.slice(start.length, name.length - end.length);
    return name === start + middle + end && new RegExp(`\\b${middle}\\b`).test(source);
  });
}

/** The text of all sources that are no tests. */
function sourceBelow(folder: string): string {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /(?<!\.test)\.ts$/.test(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => !/\/(testing|fixtures)\//.test(file))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
}
