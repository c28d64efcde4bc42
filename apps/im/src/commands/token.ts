/** `im token`: a token for trying things out with other clients, and for moderators in development. */
import { ensureSecret, setting, systemClock } from '@im/runtime';
import { z } from 'zod';
import { defineCommand } from '../command.js';
import { SECRET_FILES } from '../server/secrets.js';
import { dataFolder } from '../settings.js';

export const token = defineCommand({
  name: 'token',
  summary: 'prints a development token',
  settings: {
    name: setting(z.string().min(1).max(32), { description: 'who signs in with it' }),
    role: setting(z.string().min(1).max(32).optional(), { description: 'moderator may remove people from rooms' }),
    ttlMs: setting(z.int().min(1_000).default(3_600_000), { description: 'how long it is good for' }),
    dataFolder: { ...dataFolder, description: "the server's data folder: tokens are signed with its secret" },
  },
  examples: [
    ['im token --name ann', 'for an hour'],
    ['im token --name mo --role moderator', 'may use room.kick'],
  ],
  async run({ name, role, ttlMs, dataFolder }, { print }) {
    const { issueToken } = await import('@im/workers');
    const secret = new TextEncoder().encode(await ensureSecret(dataFolder, SECRET_FILES.development));
    const issued = await issueToken(
      { secret, now: () => systemClock.now() },
      { name, ttlMs, ...(role !== undefined && { role }) },
    );
    print(`${issued.token}\n`);
  },
});
