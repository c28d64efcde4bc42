/**
 * Owns: the list of test suites, in the order in which `npm test` runs them. A suite is one or more projects of
 * vitest.config.ts; one that needs a system program is skipped by name where the program cannot be had.
 */

/**
 * @typedef {object} Suite
 * @property {string} name
 * @property {string} projects a `--project` pattern
 * @property {string[]} needs keys of `systemPrograms`: without one of them the suite is skipped
 * @property {string[]} [uses] more of them: without one, the tests that need it skip themselves by name
 */

/** @type {Suite[]} */
export const suites = [
  { name: 'unit', projects: 'unit:*', needs: [], uses: ['natsServer', 'redisServer', 'strace'] },
  { name: 'integration', projects: 'integration', needs: [], uses: ['natsServer', 'redisServer'] },
  { name: 'chaos', projects: 'chaos', needs: [], uses: ['redisServer'] },
  { name: 'clients', projects: 'clients', needs: ['go', 'php', 'phpZmq', 'pythonZmq'] },
  { name: 'docs', projects: 'docs', needs: ['curl', 'go', 'php', 'phpZmq', 'pythonZmq'] },
  { name: 'e2e', projects: 'e2e', needs: ['chromium'] },
];
