/** Owns: finding which tests name which sentences, `[PR-12]` in a title. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Tests by the sentence they name. @typedef {Map<string, string[]>} Tags */

/**
 * Tests that ran and passed, from reports of vitest's JSON reporter.
 * @param {{ testResults: { assertionResults: { fullName: string, status: string }[] }[] }[]} reports
 * @returns {Tags}
 */
export function tagsOfReports(reports) {
  const titles = reports
    .flatMap(({ testResults }) => testResults)
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'passed')
    .map(({ fullName }) => fullName);
  return collect(titles.map((title) => ({ text: title, test: title })));
}

/**
 * What the sources of tests and of contract suites below these folders name, whether they ran or not. Titles that are
 * put together at run time are seen by reports alone.
 * @param {string} root
 * @param {string[]} folders
 * @returns {Tags}
 */
export function tagsOfSources(root, folders) {
  const files = folders
    .flatMap((folder) => readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => !file.includes('node_modules') && !file.includes(`${path.sep}dist${path.sep}`))
    .filter((file) => /\.test\.ts$|\/testing\/.*\.ts$/.test(file.replaceAll(path.sep, '/')));
  return collect(files.map((file) => ({ text: readFileSync(file, 'utf8'), test: path.relative(root, file) })));
}

/** @param {{ text: string, test: string }[]} places @returns {Tags} */
function collect(places) {
  /** @type {Tags} */
  const tags = new Map();
  for (const { text, test } of places) {
    for (const [, id] of text.matchAll(/\[((?:PR|RP)-\d+)\]/g)) {
      if (id !== undefined) tags.set(id, [...(tags.get(id) ?? []), test]);
    }
  }
  return tags;
}
