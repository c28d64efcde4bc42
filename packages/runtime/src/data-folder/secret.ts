/** Owns: secrets in the data folder. Made once, from the system's random source; never a default. */
import { randomBytes, randomUUID } from 'node:crypto';
import { type FileHandle, link, open, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { DataFolderError } from './data-folder-error.js';

const SECRET_BYTES = 32;
const OTHERS = 0o077;

/**
 * The secret `<folder>/<name>`: 43 characters of base64url. Made if it is not there (mode 0600, whole or not at all;
 * of several processes at once all get the same).
 * @throws DataFolderError when others than the owner may read it, or when it is damaged
 */
export async function ensureSecret(folder: string, name: string): Promise<string> {
  const file = path.join(folder, name);
  return (await readSecret(file)) ?? (await makeSecret(folder, file));
}

async function readSecret(file: string): Promise<string | undefined> {
  const found = await stat(file).catch(ignoreMissing);
  if (found === undefined) return undefined;
  if (process.platform !== 'win32' && (found.mode & OTHERS) !== 0) {
    throw new DataFolderError(
      `${file} can be read by other users; run: chmod 600 ${file} (or delete it: a new one is made)`,
    );
  }
  const secret = (await readFile(file, 'utf8')).trim();
  if (secret.length < SECRET_BYTES) throw new DataFolderError(`${file} is damaged; delete it: a new one is made`);
  return secret;
}

async function makeSecret(folder: string, file: string): Promise<string> {
  const temporary = path.join(folder, `.${randomUUID()}.tmp`);
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  const handle: FileHandle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(`${secret}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await link(temporary, file);
    return secret;
  } catch (error) {
    // Another process was first: its secret is the one.
    const other = (error as NodeJS.ErrnoException).code === 'EEXIST' ? await readSecret(file) : undefined;
    if (other === undefined) throw error;
    return other;
  } finally {
    await rm(temporary, { force: true });
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}
