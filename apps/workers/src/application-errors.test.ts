import { readFileSync } from 'node:fs';
import { FIRST_APPLICATION_CODE } from '@im/protocol';
import { expect, it } from 'vitest';
import { APPLICATION_ERRORS, applicationError } from './application-errors.js';

it('has the same codes, names and retryability in the README', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const documented = [...readme.matchAll(/^\| (\d{4}) \| `([A-Z_]+)` \| (yes|no) \|/gm)].map(
    ([, code, name, retry]) => [name, { code: Number(code), retryable: retry === 'yes' }],
  );
  const declared = Object.entries(APPLICATION_ERRORS).map(([name, { code, retryable }]) => [name, { code, retryable }]);
  expect(documented).toEqual(declared);
});

it('uses every code once, all in the range of applications', () => {
  const codes = Object.values(APPLICATION_ERRORS).map(({ code }) => code);
  expect(new Set(codes).size).toBe(codes.length);
  expect(Math.min(...codes)).toBeGreaterThanOrEqual(FIRST_APPLICATION_CODE);
  expect(applicationError('TOO_FAST', { retryAfterMs: 5 })).toMatchObject({
    code: 1001,
    name: 'TOO_FAST',
    retryable: true,
    details: { retryAfterMs: 5 },
  });
});
