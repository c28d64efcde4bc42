import { afterEach, expect, it, vi } from 'vitest';
import { Results } from './results.mjs';

afterEach(() => vi.unstubAllEnvs());

it('counts a check as one, and a suite by its tests', () => {
  const results = new Results();
  results.addCheck(true);
  results.addCheck(false);
  results.add({ passed: 10, failed: 2, skipped: [] });
  expect(results.counts).toEqual({ passed: 11, failed: 3, skipped: [] });
});

it.each([
  ['true', 1],
  ['', 0],
])('with CI=%j a skipped suite counts as %i failures', (ci, failed) => {
  vi.stubEnv('CI', ci);
  const results = new Results();
  results.add({ passed: 0, failed: 0, skipped: ['e2e'] });
  expect(results.counts).toEqual({ passed: 0, failed, skipped: ['e2e'] });
});
