/**
 * Owns: that one process at a time uses a data folder. Node has no flock, so ownership is a file `lock.<generation>`
 * naming its owner. Whoever finds the highest generation without a living owner makes the next one, exclusively: of many
 * who try, one succeeds. Generations only rise, and the two latest files stay, so that a slow reader cannot mistake
 * an old state for the present one. Processes of other hosts or process namespaces are not seen.
 */
import { randomUUID } from 'node:crypto';
import { link, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DataFolderError } from './data-folder-error.js';

const ATTEMPTS = 100;

interface Owner {
  readonly pid: number;
  /** Clock ticks from boot to the process's begin, where the system tells: process ids are used again. */
  readonly began: string;
}

/** Takes the folder; the returned function gives it back. @throws DataFolderError while another living process has it */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const draft = path.join(folder, `.${randomUUID()}.tmp`);
  const owner: Owner = { pid: process.pid, began: await beginOf(process.pid) };
  await writeFile(draft, JSON.stringify(owner), { mode: 0o600, flag: 'wx' });
  try {
    // Each round lost is another process's win.
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const generations = await readGenerations(folder);
      const latest = generations.at(-1) ?? 0;
      const other = await readOwner(lockFile(folder, latest));
      if (other !== undefined && (await isAlive(other))) {
        throw new DataFolderError(
          `${folder} is in use by process ${other.pid}; stop it, or choose another data folder`,
        );
      }
      const mine = lockFile(folder, latest + 1);
      if (!(await linkNew(draft, mine))) continue;
      for (const old of generations.slice(0, -1)) await rm(lockFile(folder, old), { force: true });
      return () => release(mine);
    }
    throw new DataFolderError(`${folder} could not be locked; too many processes want it`);
  } finally {
    await rm(draft, { force: true });
  }
}

const lockFile = (folder: string, generation: number): string => path.join(folder, `lock.${generation}`);

/** Ascending. */
async function readGenerations(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return names.flatMap((name) => /^lock\.(\d{1,15})$/.exec(name)?.slice(1).map(Number) ?? []).sort((a, b) => a - b);
}

async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** A lock without an owner in it, however much of this was written. */
async function release(mine: string): Promise<void> {
  await writeFile(mine, '{}');
}

/** Undefined for a lock that was given back, or is damaged. */
async function readOwner(file: string): Promise<Owner | undefined> {
  try {
    const { pid, began } = JSON.parse(await readFile(file, 'utf8')) as Partial<Owner>;
    return typeof pid === 'number' && typeof began === 'string' ? { pid, began } : undefined;
  } catch {
    return undefined;
  }
}

async function isAlive({ pid, began }: Owner): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, as another user.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const current = await beginOf(pid);
  return began === '' || current === '' || current === began;
}

/** Field 22 of /proc/<pid>/stat; the name before it may hold spaces and parentheses. A zombie counts as gone. */
async function beginOf(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? 'gone' : (fields[19] ?? '');
  } catch {
    return '';
  }
}
