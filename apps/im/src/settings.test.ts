import { readFileSync } from 'node:fs';
import { helpText } from '@im/runtime';
import { expect, it } from 'vitest';
import { serveSettings } from './commands/serve.js';
import { SECRET_FILES } from './server/secrets.js';

const operations = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');

it('has every flag and variable of the server in docs/operations.md, and no others', () => {
  const help = helpText({ name: 'im serve', summary: '', settings: serveSettings, examples: [] });
  const namesIn = (text: string): string[] => [...new Set(text.match(/--[a-z][a-z-]+|\bIM_[A-Z_]+[A-Z]\b/g))].sort();
  const table = operations.slice(operations.indexOf('| flag |'), operations.indexOf('### Who people are'));
  const documented = namesIn(table).filter((name) => !['--bots', 'IM_BOTS'].includes(name));
  const declared = namesIn(help).filter((name) => !['--help', '--config', 'IM_CONFIG'].includes(name));
  expect(documented).toEqual(declared);
});

it('has every secret of the data folder in docs/operations.md', () => {
  for (const file of Object.values(SECRET_FILES)) expect(operations).toContain(`\`${file}\``);
});
