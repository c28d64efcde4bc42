/** `npm test`: installs and builds what is missing, then every check and every suite. */
import './node-version.mjs';
import { runCommand } from './command.mjs';
import { ensureInstalled } from './install.mjs';
import { forget, Results } from './results.mjs';
import { step } from './step.mjs';
import { suites } from './suites.mjs';
import { ensurePrograms, programOf } from './system-programs.mjs';
import { reportOf, runSuite } from './test-suite.mjs';

const started = performance.now();
const results = new Results();
forget('test');

/**
 * @param {string} name
 * @param {string} file
 * @param {string[]} args
 */
async function check(name, file, args) {
  const { ok } = await step(name, async () => {
    const { status, output } = await runCommand(file, args);
    return { ok: status === 0, output };
  });
  results.addCheck(ok);
  return ok;
}

const installed = await ensureInstalled();
results.addCheck(installed);
if (installed) {
  const [, missing] = await Promise.all([
    check('build', 'nx', ['run-many', '-t', 'build', '--outputStyle=static']),
    ensurePrograms([...new Set(suites.flatMap(({ needs, uses = [] }) => [...needs, ...uses]))]),
  ]);
  await check('types', 'nx', ['run-many', '-t', 'typecheck', '--outputStyle=static']);
  await check('format and lint', 'biome', ['ci', '.']);
  await check('boundaries', 'eslint', ['.', '--max-warnings', '0']);
  /** @type {string[]} */
  const reports = [];
  for (const suite of suites) {
    const absent = suite.needs.filter((name) => missing.includes(name)).map((name) => programOf(name).name);
    if (absent.length > 0) {
      process.stdout.write(`- ${suite.name.padEnd(24)} skipped: needs ${absent.join(', ')}\n`);
      results.add({ passed: 0, failed: 0, skipped: [suite.name] });
      continue;
    }
    const { counts } = await step(suite.name, () => runSuite(suite));
    results.add(counts);
    reports.push(reportOf(suite));
  }
  const coverage = ['tools/protocol-coverage/main.mjs', '--require-all', ...reports];
  await check('protocol sentences', process.execPath, coverage);
}

results.save('test');
const { passed, failed, skipped } = results.counts;
const seconds = Math.round((performance.now() - started) / 1000);
if (skipped.length > 0) process.stdout.write(`skipped: ${skipped.join('; ')}\n`);
process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped.length} skipped in ${seconds} s\n`);
process.exitCode = failed === 0 ? 0 : 1;
