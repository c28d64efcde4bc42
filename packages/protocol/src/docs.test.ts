/** docs/errors.md and docs/limits.md say what the code says. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CLOSE_CODES, shouldReconnect } from './close-codes.js';
import { ERROR_CODES, errorName, FIRST_APPLICATION_CODE } from './error-codes.js';
import { MAX_GROUP_ID_LENGTH } from './group-id.js';
import * as limits from './limits.js';

const read = (name: string) => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');

/** Cells of all table rows whose first cell matches, without backticks. */
function rows(markdown: string, first: RegExp): string[][] {
  return markdown
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    )
    .filter(([cell]) => first.test(cell ?? ''));
}

const errors = read('errors.md');
const [errorPart, closePart] = errors.split('## Close codes');
const yes = (flag: boolean) => (flag ? 'yes' : 'no');

describe('the error registry', () => {
  const entries = Object.entries(ERROR_CODES);

  it('is what docs/errors.md lists, in order, and each row says what to do', () => {
    const documented = rows(errorPart ?? '', /^\d+$/);
    expect(documented.map((row) => row.slice(0, 3))).toEqual(
      entries.map(([name, { code, retryable }]) => [String(code), name, yes(retryable)]),
    );
    for (const [, name, , meaning, advice] of documented) expect([name, !!meaning && !!advice]).toEqual([name, true]);
  });

  it('has every code once, below the application’s, and finds its name again', () => {
    const codes = entries.map(([, { code }]) => code);
    expect(new Set(codes).size).toBe(codes.length);
    for (const [name, { code }] of entries) {
      expect(code).toBeLessThan(FIRST_APPLICATION_CODE);
      expect(errorName(code)).toBe(name);
    }
    expect(errorName(FIRST_APPLICATION_CODE)).toBeUndefined();
  });

  it('keeps each code in the range under whose heading it is documented', () => {
    const sections = (errorPart ?? '').split(/^## /m).filter((section) => /^\d+–\d+/.test(section));
    expect(sections).toHaveLength(7);
    for (const section of sections) {
      const [, from, to] = /^(\d+)–(\d+)/.exec(section) ?? [];
      for (const [code] of rows(section, /^\d+$/)) {
        expect(Number(code)).toBeGreaterThanOrEqual(Number(from));
        expect(Number(code)).toBeLessThanOrEqual(Number(to));
      }
    }
  });
});

describe('the close codes', () => {
  it('[PR-120] are what docs/errors.md lists, with the decision to reconnect that their range carries', () => {
    expect(rows(closePart ?? '', /^\d+$/).map((row) => row.slice(0, 3))).toEqual(
      Object.entries(CLOSE_CODES).map(([name, { code }]) => [String(code), name, yes(shouldReconnect(code))]),
    );
  });
});

describe('the limits', () => {
  const documented = rows(read('limits.md'), /^(MAX_|[a-z]+[A-Z]|groups)/);
  const { DEFAULT_LIMITS, ...constants } = limits;

  it('are what docs/limits.md lists, each with its default and what lies beyond', () => {
    expect(Object.fromEntries(documented.map(([name, value]) => [name, Number(value)]))).toEqual({
      ...DEFAULT_LIMITS,
      ...constants,
      MAX_GROUP_ID_LENGTH,
    });
    for (const row of documented) expect(row.every((cell) => cell !== '')).toBe(true);
  });
});
