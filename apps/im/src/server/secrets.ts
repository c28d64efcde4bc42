/** Owns: the secrets of one installation, kept in its data folder, so that they outlive a restart. */
import { ensureSecret } from '@im/runtime';

export const SECRET_FILES = {
  /** Signs development tokens. */
  development: 'development-secret',
  /** Signs resume tickets: as long as it stays, sessions outlive a restart. */
  tickets: 'ticket-secret',
  /** Lets backends push. */
  push: 'push-token',
  /** Lets other hosts read the figures. */
  admin: 'admin-token',
} as const;

export type Secrets = Readonly<Record<keyof typeof SECRET_FILES, string>>;

/** Makes those that are not there yet. @throws DataFolderError */
export async function readSecrets(dataFolder: string): Promise<Secrets> {
  const entries = Object.entries(SECRET_FILES).map(
    async ([name, file]) => [name, await ensureSecret(dataFolder, file)] as const,
  );
  return Object.fromEntries(await Promise.all(entries)) as Secrets;
}
