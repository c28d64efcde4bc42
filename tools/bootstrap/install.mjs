/** Owns: installing the locked dependencies when the lockfile or a package.json changed since the last time. */
import path from 'node:path';
import { readFolders } from '../workspace/packages.mjs';
import { runCommand } from './command.mjs';
import { contentDigest, readStamp, writeStamp } from './content-stamp.mjs';
import { pinnedPackageManager } from './environment.mjs';
import { root } from './folders.mjs';
import { step } from './step.mjs';

const manifests = () =>
  readFolders(root, ['packages', 'apps', 'tests', '.']).map(({ folder }) => path.join(folder, 'package.json'));

function currentStamp() {
  return contentDigest([
    ...['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml'].map((name) => path.join(root, name)),
    ...manifests(),
  ]);
}

/** @returns {Promise<boolean>} false when it failed; why is on the terminal */
export async function ensureInstalled() {
  const stamp = currentStamp();
  if (readStamp('install') === stamp) return true;
  const manager = pinnedPackageManager();
  const { ok } = await step('install', async () => {
    const args = ['-y', manager, 'install', '--frozen-lockfile', '--prefer-offline'];
    const { status, output } = await runCommand('npx', args);
    const outdated = output.includes('ERR_PNPM_OUTDATED_LOCKFILE');
    const hint = outdated ? '\nA package.json changed: bring the lockfile up to date with `npm run pnpm install`.' : '';
    return { ok: status === 0, output: output + hint };
  });
  if (ok) writeStamp('install', stamp);
  return ok;
}
