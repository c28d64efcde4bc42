/** Owns: finding a program of this host. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import path from 'node:path';

/** Servers are there, which are not on everybody's path. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin'];

/** @returns its file, undefined when it is not installed */
export async function findProgram(name: string, variables: NodeJS.ProcessEnv): Promise<string | undefined> {
  const folders = (variables.PATH ?? '').split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  for (const folder of [...folders, ...SYSTEM_FOLDERS]) {
    const file = path.join(folder, name);
    if (await isProgram(file)) return file;
  }
  return undefined;
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
