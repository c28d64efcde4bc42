import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const rows = readFileSync(join(root, 'docs/guarantees.md'), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, id, proofs] = /^\| ([A-Z]-\d+) \| .* \| (.*) \|$/.exec(line) ?? [];
    return id === undefined || proofs === undefined ? [] : [{ id, proofs }];
  });

/** All sources of a project, tests and suites among them. */
function sourcesOf(project: string): string {
  const folder = join(root, project, 'src');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  return files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n');
}

describe('docs/guarantees.md', () => {
  it('gives every promise an id of its own', () => {
    const ids = rows.map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(20);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each(rows)('names tests that exist for $id', ({ proofs }) => {
    const named = [...proofs.matchAll(/`([a-z/-]+)`: "([^"]+)"(?: · )?/g)];
    expect(named.map(([whole]) => whole).join('')).toBe(proofs);
    for (const [, project = '', title = ''] of named) expect(sourcesOf(project).includes(title), title).toBe(true);
  });
});
