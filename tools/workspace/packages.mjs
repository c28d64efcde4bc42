/**
 * Owns: reading the workspace's packages and their entry points. `exports` in each package.json is the one place where
 * an entry point is declared; the build, the test runner's aliases and tsconfig's `paths` follow from it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} EntryPoint
 * @property {string} specifier what one imports, `@im/rpc/memory`
 * @property {string} name file name below dist, without extension: `index`, `memory`
 * @property {string} source absolute path of the TypeScript source
 *
 * @typedef {object} WorkspacePackage
 * @property {string} name `@im/rpc`
 * @property {string} folder absolute path
 * @property {Record<string, any>} manifest the parsed package.json
 * @property {EntryPoint[]} entryPoints
 */

export const workspaceRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** @param {string} folder @returns {WorkspacePackage} */
export function readPackage(folder) {
  const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  return { name: manifest.name, folder, manifest, entryPoints: readEntryPoints(folder, manifest) };
}

/** The publishable packages, sorted by folder name. @returns {WorkspacePackage[]} */
export function readPackages(root = workspaceRoot) {
  return readFolders(root, ['packages']);
}

/** Everything that may be imported by name: the packages, the apps that another composes, what tests share. @returns {WorkspacePackage[]} */
export function readMembersWithEntryPoints() {
  return readFolders(workspaceRoot, ['packages', 'apps', 'tests']).filter(({ entryPoints }) => entryPoints.length > 0);
}

/** Every workspace member below `parents`. @param {string} root @param {string[]} parents @returns {WorkspacePackage[]} */
export function readFolders(root, parents) {
  return parents
    .flatMap((parent) =>
      existsSync(path.join(root, parent))
        ? readdirSync(path.join(root, parent))
            .sort()
            .map((name) => path.join(root, parent, name))
        : [],
    )
    .filter((folder) => existsSync(path.join(folder, 'package.json')))
    .map(readPackage);
}

/**
 * @param {string} folder
 * @param {Record<string, any>} manifest
 * @returns {EntryPoint[]}
 */
function readEntryPoints(folder, manifest) {
  /** @type {EntryPoint[]} */
  const entryPoints = [];
  for (const [subpath, target] of Object.entries(manifest.exports ?? {})) {
    const name = /^\.\/dist\/(.+)\.js$/.exec(target?.default ?? '')?.[1];
    if (name === undefined) continue;
    const source = [`src/${name}.ts`, `src/${name}/index.ts`]
      .map((candidate) => path.join(folder, candidate))
      .find((candidate) => existsSync(candidate));
    if (source === undefined) {
      throw new Error(`${manifest.name} exports "${subpath}", but has neither src/${name}.ts nor src/${name}/index.ts`);
    }
    entryPoints.push({ specifier: manifest.name + subpath.slice(1), name, source });
  }
  return entryPoints;
}
