/** Owns: the folder in which a process keeps what must survive it. One process at a time. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { DataFolderError } from './data-folder-error.js';
import { lockFolder } from './folder-lock.js';
import { ensureSecret } from './secret.js';

export interface DataFolder {
  /** Absolute. */
  readonly path: string;
  /** Absolute path of something inside. */
  file(name: string): string;
  /** @throws DataFolderError */
  secret(name: string): Promise<string>;
  /** Lets another process have it. */
  close(): Promise<void>;
}

/**
 * Makes the folder if it is not there (readable by its owner alone) and takes it for this process.
 * @throws DataFolderError when it cannot be used or another process has it
 */
export async function openDataFolder(folder: string): Promise<DataFolder> {
  const absolute = path.resolve(folder);
  try {
    await mkdir(absolute, { recursive: true, mode: 0o700 });
    const release = await lockFolder(absolute);
    return {
      path: absolute,
      file: (name) => path.join(absolute, name),
      secret: (name) => ensureSecret(absolute, name),
      close: release,
    };
  } catch (error) {
    if (error instanceof DataFolderError) throw error;
    throw new DataFolderError(`${absolute} cannot be used as data folder: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
