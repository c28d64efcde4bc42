/** Owns: what a published package must and must not contain. */
import { readTarball } from './tarballs.mjs';

const alwaysThere = ['package.json', 'README.md', 'LICENSE'];
/** Sources, tests and build configuration: `files` in the package.json was too generous. */
const neverThere = /^src\/|\.test\.|(^|\/)(tsconfig[^/]*\.json|tsup\.config\.\w+)$|\.tsbuildinfo$/;

/**
 * @param {import('./tarballs.mjs').Tarball} tarball
 * @returns {string[]} what is wrong with it
 */
export function contentMistakes({ name, file }) {
  const files = readTarball(file);
  /** @type {string[]} */
  const mistakes = [];
  for (const wanted of alwaysThere) {
    if (!files.has(wanted)) mistakes.push(`${name}: ${wanted} is missing`);
  }
  const manifest = JSON.parse(files.get('package.json')?.toString('utf8') ?? '{}');
  for (const [dependency, range] of Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    if (/^(workspace|catalog|file|link):/.test(String(range))) {
      mistakes.push(`${name}: ${dependency} is published as "${range}"`);
    }
  }
  const exported = exportTargets(manifest.exports).map((target) => target.replace('./', ''));
  for (const target of exported) {
    // A `*` in a target stands for any text, slashes included.
    const pattern = new RegExp(`^${target.split('*').map(escapeRegExp).join('.+')}$`);
    if (![...files.keys()].some((path) => pattern.test(path))) {
      mistakes.push(`${name}: exports name ${target}, which is not there`);
    }
  }
  for (const path of files.keys()) {
    if (neverThere.test(path)) mistakes.push(`${name}: ${path} does not belong there`);
  }
  return mistakes;
}

/** @param {unknown} node @returns {string[]} */
function exportTargets(node) {
  if (typeof node === 'string') return [node];
  return node !== null && typeof node === 'object' ? Object.values(node).flatMap(exportTargets) : [];
}

/** @param {string} text */
function escapeRegExp(text) {
  return text.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&');
}
