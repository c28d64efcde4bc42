import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const root = new URL('../../../', import.meta.url);
const rows = readFileSync(new URL('docs/guarantees.md', root), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, id, proofs] = /^\| ([A-Z]-\d+) \| .* \| (.*) \|$/.exec(line) ?? [];
    return id === undefined || proofs === undefined ? [] : [{ id, proofs }];
  });

describe('docs/guarantees.md', () => {
  it('gives every promise an id of its own', () => {
    const ids = rows.map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(20);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each(rows)('names tests that exist for $id', ({ proofs }) => {
    const named = [...proofs.matchAll(/`([^`]+\.ts)`: "([^"]+)"/g)];
    expect(named.length).toBeGreaterThan(0);
    expect(proofs.replaceAll(/`[^`]+\.ts`: "[^"]+"/g, '').replaceAll(/[ ·]/g, '')).toBe('');
    for (const [, file = '', title = ''] of named) {
      expect(readFileSync(new URL(file, root), 'utf8'), file).toContain(title);
    }
  });
});
