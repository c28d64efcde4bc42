/** Owns: running one suite through vitest, and reading its counts. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { runCommand } from './command.mjs';
import { resultsFolder } from './folders.mjs';

/** Where a suite's results are written. @param {import('./suites.mjs').Suite} suite */
export const reportOf = ({ name }) => path.join(resultsFolder, `vitest-${name}.json`);

/**
 * @param {import('./suites.mjs').Suite} suite
 * @returns {Promise<import('./step.mjs').StepResult & { counts: import('./results.mjs').Counts }>}
 */
export async function runSuite(suite) {
  mkdirSync(resultsFolder, { recursive: true });
  const report = reportOf(suite);
  rmSync(report, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { status, output } = await runCommand('vitest', ['run', '--project', suite.projects, ...reporters]);
  const counts = readCounts(report, status);
  const notes = [`${counts.passed} passed`];
  if (counts.failed > 0) notes.push(`${counts.failed} failed`);
  if (counts.skipped.length > 0) notes.push(`${counts.skipped.length} skipped`);
  return { ok: status === 0, note: notes.join(', '), output, counts };
}

/**
 * @param {string} report
 * @param {number} status a failure that no test shows (an unhandled rejection, a file that does not load) counts as one
 * @returns {import('./results.mjs').Counts}
 */
function readCounts(report, status) {
  /** @type {import('./results.mjs').Counts} */
  const counts = { passed: 0, failed: 0, skipped: [] };
  try {
    const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
    for (const { assertionResults } of testResults) {
      for (const { status: outcome, fullName } of assertionResults) {
        if (outcome === 'passed') counts.passed += 1;
        else if (outcome === 'failed') counts.failed += 1;
        else counts.skipped.push(fullName);
      }
    }
  } catch {
    // No report: vitest did not get that far, which its exit code says.
  }
  if (status !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}
