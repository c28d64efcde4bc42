/** Owns: telling whether files changed since a step last succeeded, in milliseconds and without asking any tool. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stateFolder } from './folders.mjs';

/**
 * Every file below `folder`, sorted; nothing when it does not exist.
 * @param {string} folder
 * @param {(name: string) => boolean} [wanted] asked for each name of a file or folder
 * @returns {string[]}
 */
export function filesBelow(folder, wanted = () => true) {
  /** @type {import('node:fs').Dirent[]} */
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
  return entries
    .filter(({ name }) => wanted(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const file = path.join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(file, wanted) : [file];
    });
}

/** A digest of names and bytes. @param {string[]} files absolute; a missing one counts as absent */
export function contentDigest(files) {
  const hash = createHash('sha256');
  for (const file of files) {
    hash.update(`${file}\0`);
    try {
      hash.update(readFileSync(file));
    } catch {
      hash.update('absent');
    }
  }
  return hash.digest('hex');
}

/** A digest of names, sizes and times: for built files, which are large and only have to be the ones we left. @param {string[]} files */
export function outlineDigest(files) {
  const hash = createHash('sha256');
  for (const file of files) {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${file}\0${size}\0${mtimeMs}\0`);
  }
  return hash.digest('hex');
}

/** What a step noted when it last succeeded. @param {string} name @returns {string | undefined} */
export function readStamp(name) {
  try {
    return readFileSync(path.join(stateFolder, `${name}.stamp`), 'utf8');
  } catch {
    return undefined;
  }
}

/** @param {string} name @param {string | undefined} stamp `undefined` forgets it */
export function writeStamp(name, stamp) {
  const file = path.join(stateFolder, `${name}.stamp`);
  mkdirSync(stateFolder, { recursive: true });
  if (stamp === undefined) rmSync(file, { force: true });
  else writeFileSync(file, stamp);
}
