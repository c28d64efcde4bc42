/** Every relative link of every document leads somewhere. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Document, parseDocument, readDocuments, repository } from './documents.js';

const documents = readDocuments();

describe('links', () => {
  it.each(documents.map((document) => [document.path, document] as const))('of %s lead somewhere', (_, document) => {
    expect(brokenLinks(document, documents)).toEqual([]);
  });

  it('that lead nowhere are told with their lines', () => {
    const text =
      '# Here\n\n[a](#here) [b](README.md) [c](https://example.org/#x)\n\n[d](#there)\n[e](none.md) [f](README.md#none)';
    const document = parseDocument('CONTRIBUTING.md', text);
    expect(brokenLinks(document, documents)).toEqual(['line 5: #there', 'line 6: none.md', 'line 6: README.md#none']);
  });
});

function brokenLinks({ path: from, links, anchors }: Document, all: readonly Document[]): string[] {
  const isBroken = (target: string): boolean => {
    if (/^[a-z]+:/.test(target)) return false;
    const [file = '', anchor] = target.split('#');
    const to = path.posix.join(path.posix.dirname(from), decodeURI(file));
    if (file !== '' && !existsSync(path.join(repository, to))) return true;
    const known = file === '' ? anchors : all.find((document) => document.path === to)?.anchors;
    return anchor !== undefined && !known?.has(anchor);
  };
  return links.filter(({ target }) => isBroken(target)).map(({ line, target }) => `line ${line}: ${target}`);
}
