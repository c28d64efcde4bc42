/**
 * Tells a store's own files from a copy that was put in their place: a copy goes on under the old epoch, and would give versions again
 * that were given after it was made.
 *
 * Each opening notes, inside the store, which file it is in (a copy is another one), and a new name, which an empty file beside it bears
 * (what is written over the store's file in place brings an older name back, and its file with it, if it brings one). What cannot be told
 * apart is what replaces all of that at once, as an older image of the whole disk does.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { ImError } from '@im/protocol';
import type { Database } from './database.js';
import { identityOf, storeFile, syncFolders } from './store-file.js';

const KEY = Buffer.from('incarnation');
const PREFIX = 'incarnation.';

/** Whether the files are those that were opened here last; true of a store that was never opened. */
export function isOriginal(folder: string, database: Database): boolean {
  const noted = database.get('meta', KEY);
  const named = namesIn(folder);
  if (noted === undefined) return named.length === 0;
  const [name, file] = Buffer.from(noted).toString().split(' ');
  return named.length === 1 && named[0] === name && file === identityOf(storeFile(folder));
}

/**
 * To be called at each opening, once a copy has its new epoch. A process that is killed within it leaves files that count as a copy.
 * @throws ImError STORE_UNAVAILABLE
 */
export async function beginIncarnation(folder: string, database: Database): Promise<void> {
  const name = PREFIX + randomBytes(9).toString('base64url');
  await database.commit((writes) => writes.put('meta', KEY, Buffer.from(`${name} ${identityOf(storeFile(folder))}`)));
  try {
    bearName(folder, name);
  } catch (error) {
    throw new ImError('STORE_UNAVAILABLE', { message: `cannot write in ${folder}`, cause: error });
  }
}

/** In one step where there is a name already: the moment in which the store has none that it knows is short. */
function bearName(folder: string, name: string): void {
  const [last, ...others] = namesIn(folder);
  const file = path.join(folder, name);
  if (last === undefined) closeSync(openSync(file, 'w'));
  else renameSync(path.join(folder, last), file);
  for (const other of others) rmSync(path.join(folder, other));
  syncFolders(path.resolve(folder), path.resolve(folder));
}

function namesIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.startsWith(PREFIX));
}
