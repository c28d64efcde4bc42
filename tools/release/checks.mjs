/** The checks before a release, after `npm test`: the packed packages, unused code, the SDK's size, the release plan. */
import '../bootstrap/node-version.mjs';
import { runCommand } from '../bootstrap/command.mjs';
import { forget, Results } from '../bootstrap/results.mjs';
import { step } from '../bootstrap/step.mjs';
import { releasePlanMistakes } from './release-plan.mjs';
import { bundleSdk } from './sdk-bundle.mjs';
import { contentMistakes } from './tarball-contents.mjs';
import { packAll } from './tarballs.mjs';

const results = new Results();
forget('release');

/**
 * @param {string} name
 * @param {() => Promise<import('../bootstrap/step.mjs').StepResult>} work
 */
async function check(name, work) {
  const { ok } = await step(name, async () => {
    try {
      return await work();
    } catch (error) {
      return { ok: false, output: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
  });
  results.addCheck(ok);
}

/** @param {string} file @param {string[]} args */
const command = (file, args) => async () => {
  const { status, output } = await runCommand(file, args);
  return { ok: status === 0, output };
};

await check('declarations', command('nx', ['run-many', '-t', 'declarations', '--outputStyle=static']));

/** @type {import('./tarballs.mjs').Tarball[]} */
let tarballs = [];
await check('pack', async () => {
  const packed = await packAll();
  tarballs = packed.tarballs;
  const mistakes = tarballs.flatMap(contentMistakes);
  return {
    ok: packed.output === '' && mistakes.length === 0,
    note: `${tarballs.length} packages`,
    output: [packed.output, ...mistakes].join('\n'),
  };
});
for (const { name, file, manifest } of tarballs) {
  await check(`publint ${name}`, command('publint', ['run', file, '--strict']));
  const data = Object.keys(manifest.exports).filter((subpath) => subpath.endsWith('.json'));
  const exclusions = data.length > 0 ? ['--exclude-entrypoints', ...data] : [];
  await check(`attw ${name}`, command('attw', [file, '--profile', 'esm-only', '--format', 'ascii', ...exclusions]));
}
await check('knip', command('knip', ['--no-progress', '--no-config-hints']));
await check('SDK size', async () => {
  const { minified, brotli } = await bundleSdk();
  const { status, output } = await runCommand('size-limit', []);
  return { ok: status === 0, output, note: `${brotli} bytes brotli, ${minified} minified` };
});
await check('release plan', async () => {
  const mistakes = await releasePlanMistakes();
  return { ok: mistakes.length === 0, output: mistakes.join('\n') };
});

results.save('release');
process.exitCode = results.counts.failed === 0 ? 0 : 1;
