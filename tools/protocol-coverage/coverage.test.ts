import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { workspaceRoot } from '../workspace/packages.mjs';
import { compare, describe } from './coverage.mjs';
import { readSentences } from './sentences.mjs';
import { tagsOfReports, tagsOfSources } from './tags.mjs';

// Assembled, so that these examples do not count for the real protocol.
const tag = (number: number) => `[${'PR'}-${number}]`;
const markdown = '# Title\n- **PR-1** First.\n- no sentence\n- **PR-2** Second, see PR-9.\n- **PR-30** Third.\n';
const passed = (fullName: string) => ({ fullName, status: 'passed' });
const report = (...assertionResults: { fullName: string; status: string }[]) => ({
  testResults: [{ assertionResults }],
});

it('reads the numbered sentences, and no number twice', () => {
  expect(readSentences(markdown)).toEqual([
    { id: 'PR-1', text: 'First.' },
    { id: 'PR-2', text: 'Second, see PR-9.' },
    { id: 'PR-30', text: 'Third.' },
  ]);
  expect(() => readSentences(`${markdown}- **PR-2** Again.\n`)).toThrow('PR-2');
});

it.each(['docs/protocol.md', 'docs/rpc.md'])('reads every sentence of %s', (file) => {
  const text = readFileSync(path.join(workspaceRoot, file), 'utf8');
  const numbered = text.split('\n').filter((line) => /^- \*\*[A-Z]+-/.test(line));
  expect(numbered.length).toBeGreaterThan(40);
  expect(readSentences(text)).toHaveLength(numbered.length);
});

it('counts a sentence when a test that passed names it, in any report, among other tags or not', () => {
  const tags = tagsOfReports([
    report(passed(`a ${tag(1)} ${tag(2)} b`), { fullName: tag(30), status: 'failed' }),
    report({ fullName: tag(30), status: 'skipped' }),
  ]);
  const coverage = compare(readSentences(markdown), tags);
  expect(coverage).toMatchObject({ covered: 2, total: 3, uncovered: [{ id: 'PR-30' }], unknown: [] });
  expect(describe(coverage)).toMatch(/^PR-30 +no test +Third\.\nprotocol sentences: 2 of 3 covered \(66 %\)\n$/);
});

it('reports tags that no sentence has', () => {
  const tags = tagsOfReports([report(passed(`x ${tag(31)}`))]);
  expect(describe(compare(readSentences(markdown), tags))).toContain(
    `PR-31   no such sentence, but named by: x ${tag(31)}`,
  );
});

it('finds tags in sources of tests and contract suites alone', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'coverage-'));
  try {
    mkdirSync(path.join(root, 'packages/a/src/testing'), { recursive: true });
    mkdirSync(path.join(root, 'packages/a/node_modules'));
    const write = (file: string, text: string) => writeFileSync(path.join(root, 'packages/a', file), text);
    write('src/a.test.ts', `it('${tag(1)} …')`);
    write('src/testing/contract.ts', `it('${tag(2)} …')`);
    write('src/a.ts', `// ${tag(30)}`);
    write('node_modules/b.test.ts', tag(30));
    expect([...tagsOfSources(root, ['packages']).keys()].sort()).toEqual(['PR-1', 'PR-2']);
  } finally {
    rmSync(root, { recursive: true });
  }
});
