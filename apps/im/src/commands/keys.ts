/** `im keys`: makes the keys with which processes prove who they are to each other. */
import { isName } from '@im/protocol';
import { setting } from '@im/runtime';
import { z } from 'zod';
import { defineCommand } from '../command.js';

export const keys = defineCommand({
  name: 'keys',
  summary: 'makes keys, with which everything between processes is encrypted',
  settings: {
    keysFolder: setting(z.string().min(1).default('./.im/keys'), {
      description: 'where they are written',
      flag: 'keys',
      placeholder: 'folder',
    }),
    name: setting(
      z
        .string()
        .refine(isName)
        .refine((name) => name !== 'broker')
        .default('peer')
        .describe('[A-Za-z0-9_-]{1,64}, not broker'),
      {
        description: 'whose keys; those of `im` itself are called peer',
      },
    ),
  },
  examples: [
    ['im keys', 'for the brokers, and for gateway, workers and im rpc'],
    ['im keys --name php', 'more, for programs of your own; brokers know them from their next start on'],
  ],
  async run({ keysFolder, name }, { print }) {
    // Loaded only where it runs: the other commands need none of it.
    const { makeKeys } = await import('../rpc/key-files.js');
    for (const file of await makeKeys(keysFolder, name)) print(`${file}\n`);
  },
});
