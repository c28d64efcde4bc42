/** Owns: packing the publishable packages exactly as they would be published. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { runCommand } from '../bootstrap/command.mjs';
import { stateFolder } from '../bootstrap/folders.mjs';
import { readPackages } from '../workspace/packages.mjs';

/**
 * @typedef {object} Tarball
 * @property {string} name the package's
 * @property {string} file
 * @property {Record<string, any>} manifest of the package, as in the workspace
 */

/** @returns {Promise<{ tarballs: Tarball[], output: string }>} `output` is empty when every package was packed */
export async function packAll() {
  const folder = path.join(stateFolder, 'tarballs');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { status, output } = await runCommand('pnpm', [
    ...['-r', '--filter', './packages/*'],
    ...['pack', '--out', path.join(folder, '%s.tgz')],
  ]);
  const tarballs = readPackages().map(({ name, manifest }) => {
    const file = path.join(folder, `${name.replace('@', '').replace('/', '-')}.tgz`);
    return { name, file, manifest };
  });
  return status === 0 ? { tarballs, output: '' } : { tarballs: [], output };
}

/**
 * The files of a tarball, by their path below `package/`.
 * @param {string} file
 * @returns {Map<string, Buffer>}
 */
export function readTarball(file) {
  const archive = gunzipSync(readFileSync(file));
  /** @type {Map<string, Buffer>} */
  const files = new Map();
  // POSIX ustar: a header block of 512 bytes (name at 0, size in octal at 124, type at 156, prefix at 345), then the
  // content, padded. Types other than 0 are folders and extensions.
  for (let offset = 0; offset + 512 <= archive.length && archive[offset] !== 0; ) {
    const text = (/** @type {number} */ start, /** @type {number} */ length) =>
      archive.toString('utf8', offset + start, offset + start + length).replace(/\0.*$/s, '');
    const size = Number.parseInt(text(124, 12), 8);
    const name = path.posix.join(text(345, 155), text(0, 100));
    if (['0', ''].includes(text(156, 1))) {
      files.set(name.replace(/^package\//, ''), archive.subarray(offset + 512, offset + 512 + size));
    }
    offset += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}
