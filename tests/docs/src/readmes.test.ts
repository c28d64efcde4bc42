/** The README of every package says what its readers look for first. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Document, readDocuments, repository } from './documents.js';

const documents = readDocuments();
const readmes = readdirSync(path.join(repository, 'packages')).map(
  (name) => [`@im/${name}`, documents.find((document) => document.path === `packages/${name}/README.md`)] as const,
);

describe.each(readmes)('the README of %s', (name, readme) => {
  it('says what it is, how to try it, what it promises, where that ends, and what is measured', () => {
    expect(readme?.headings[0]).toBe(name);
    const headings = readme?.headings.slice(1).join('\n');
    for (const topic of [/first minute/i, /guarantee|promise/i, /limits/i, /metrics/i]) expect(headings).toMatch(topic);
  });

  it('tells to install what its examples import', () => {
    const installed = matchesIn(readme, 'sh', /^npm install ([^#\n]+)/gm).flatMap((names) => names.trim().split(' '));
    const imported = matchesIn(readme, 'ts', /from '((?:@[\w-]+\/)?[\w-]+)['/]/g);
    expect(installed).toContain(name);
    expect(imported.filter((one) => !installed.includes(one))).toEqual([]);
  });
});

/** What a pattern captures in the blocks of one language. */
function matchesIn(document: Document | undefined, language: string, pattern: RegExp): string[] {
  const blocks = document?.blocks.filter((block) => block.language === language) ?? [];
  return blocks.flatMap(({ text }) => [...text.matchAll(pattern)].map(([, captured = '']) => captured));
}
