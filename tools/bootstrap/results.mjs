/** Owns: counting. A check counts one; a suite counts its tests. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { resultsFolder } from './folders.mjs';

/**
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {string[]} skipped what did not run, by name; with CI=true each is a failure
 */

export class Results {
  /** @type {Counts} */
  counts = { passed: 0, failed: 0, skipped: [] };

  /** @param {boolean} ok */
  addCheck(ok) {
    this.add({ passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: [] });
  }

  /** @param {Counts} counts */
  add({ passed, failed, skipped }) {
    this.counts.passed += passed;
    this.counts.failed += failed + (process.env.CI === 'true' ? skipped.length : 0);
    this.counts.skipped.push(...skipped);
  }

  /** @param {string} name of the run, for {@link totalOf} */
  save(name) {
    mkdirSync(resultsFolder, { recursive: true });
    writeFileSync(path.join(resultsFolder, `${name}.json`), JSON.stringify(this.counts));
  }
}

/** Forgets a run that is about to begin again. @param {string} name */
export function forget(name) {
  rmSync(path.join(resultsFolder, `${name}.json`), { force: true });
}

/**
 * The sum of runs; one that left no result, because it broke before, counts as a failure.
 * @param {string[]} names
 */
export function totalOf(names) {
  const total = { passed: 0, failed: 0 };
  for (const name of names) {
    const file = path.join(resultsFolder, `${name}.json`);
    if (!existsSync(file)) {
      total.failed += 1;
      continue;
    }
    const { passed, failed } = JSON.parse(readFileSync(file, 'utf8'));
    total.passed += passed;
    total.failed += failed;
  }
  return total;
}
