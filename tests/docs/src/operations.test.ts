/** docs/operations.md names every setting of the server, and no other. */
import { expect, it } from 'vitest';
import { readHelp } from './command-line.js';
import { readDocuments } from './documents.js';
import { imCommand } from './playground.js';

const spans = readDocuments()
  .find(({ path }) => path === 'docs/operations.md')
  ?.spans.map(({ text }) => text);
const named = (name: RegExp): string[] => [...new Set(spans?.filter((text) => name.test(text)))].sort();

it('docs/operations.md names every flag of `im start`, and every variable', async () => {
  const { flags, variables } = await readHelp([imCommand, 'start']);
  flags.delete('--help');
  expect(named(/^--[a-z-]+$/)).toEqual([...flags].sort());
  variables.delete('IM_CONFIG');
  expect(named(/^IM_[A-Z_]+$/)).toEqual([...variables].sort());
});
