/** Owns: building what is stale. Nx is only asked when sources or built files differ from what the last build left. */
import path from 'node:path';
import { readFolders } from '../workspace/packages.mjs';
import { runCommand } from './command.mjs';
import { contentDigest, filesBelow, outlineDigest, readStamp, writeStamp } from './content-stamp.mjs';
import { root } from './folders.mjs';
import { step } from './step.mjs';

/**
 * A project and the workspace projects it depends on, directly or not.
 * @param {string} name
 * @returns {string[]} their folders
 */
function closure(name) {
  const members = new Map(readFolders(root, ['packages', 'apps', 'tests', '.']).map((member) => [member.name, member]));
  /** @type {Set<string>} */
  const folders = new Set();
  /** @param {string} current */
  const visit = (current) => {
    const member = members.get(current);
    if (member === undefined || folders.has(member.folder)) return;
    folders.add(member.folder);
    for (const dependency of Object.keys(member.manifest.dependencies ?? {})) visit(dependency);
  };
  visit(name);
  return [...folders].sort();
}

/** @param {string[]} folders */
function stampOf(folders) {
  const isSource = (/** @type {string} */ name) =>
    name !== 'dist' && name !== 'node_modules' && !name.endsWith('.test.ts') && !name.endsWith('.md');
  const shared = ['package.json', 'pnpm-lock.yaml', 'tsconfig.base.json', 'tsconfig.options.json', 'nx.json'];
  const sources = [
    ...shared.map((file) => path.join(root, file)),
    ...filesBelow(path.join(root, 'tools/build')),
    ...folders.flatMap((folder) => filesBelow(folder, isSource)),
  ];
  const built = folders.flatMap((folder) => filesBelow(path.join(folder, 'dist')));
  return `${contentDigest(sources)} ${outlineDigest(built)}`;
}

/**
 * Builds one project and what it needs.
 * @param {string} project its package name
 * @returns {Promise<boolean>} false when it failed; why is on the terminal
 */
export async function ensureBuilt(project) {
  const folders = closure(project);
  const stampName = `build-${project.replaceAll(/\W+/g, '-')}`;
  if (readStamp(stampName) === stampOf(folders)) return true;
  const { ok } = await step('build', async () => {
    const { status, output } = await runCommand('nx', ['run', `${project}:build`, '--outputStyle=static']);
    return { ok: status === 0, output };
  });
  writeStamp(stampName, ok ? stampOf(folders) : undefined);
  return ok;
}
