/** Owns: whether changesets would release what we mean: all packages together, at one version, and nothing private. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { runCommand } from '../bootstrap/command.mjs';
import { root, stateFolder } from '../bootstrap/folders.mjs';
import { readPackages } from '../workspace/packages.mjs';

/** @returns {Promise<string[]>} what is wrong */
export async function releasePlanMistakes() {
  const config = JSON.parse(readFileSync(path.join(root, '.changeset/config.json'), 'utf8'));
  const publishable = readPackages().map(({ name }) => name);
  /** @type {string[]} */
  const mistakes = [];
  if (JSON.stringify(config.fixed) !== JSON.stringify([publishable])) {
    mistakes.push(`.changeset/config.json: "fixed" must be one group of ${publishable.join(', ')}`);
  }
  const report = path.relative(root, path.join(stateFolder, 'release-plan.json'));
  const { status, output } = await runCommand('changeset', ['status', `--output=${report}`]);
  if (status !== 0) return [...mistakes, output];
  /** @type {{ releases: { name: string, type: string, newVersion: string }[] }} */
  const { releases } = JSON.parse(readFileSync(path.join(root, report), 'utf8'));
  const released = releases.filter(({ type }) => type !== 'none');
  const versions = new Set(released.map(({ newVersion }) => newVersion));
  if (versions.size > 1) mistakes.push(`one release, several versions: ${[...versions].join(', ')}`);
  for (const { name } of released) {
    if (!publishable.includes(name)) mistakes.push(`${name} is private and would be released`);
  }
  return mistakes;
}
