/** `im scale`: more or fewer processes of a running `im up`. */
import { setting } from '@im/runtime';
import { z } from 'zod';
import { CommandError, defineCommand } from '../command.js';
import { loggingSettings } from '../settings.js';
import { asCommandError, upFolder } from '../up/ask-command.js';
import { askUp } from '../up/control-socket.js';
import { controlSocket } from '../up/up-settings.js';

const count = z
  .string()
  .regex(/^[a-z-]+=\d{1,3}$/)
  .describe('role=number');

export const scale = defineCommand({
  name: 'scale',
  summary: 'gives a running im up more or fewer processes, while people go on',
  settings: {
    counts: setting(z.array(count).min(1), {
      description: 'how many there shall be: gateways=3, broadcast-nodes=2, workers=4',
      operand: true,
      placeholder: 'role=number',
    }),
    dataFolder: upFolder,
    json: { ...loggingSettings.json, description: 'print JSON lines, for scripts' },
  },
  examples: [
    ['im scale gateways=3 workers=4', 'new ones are started; those that leave finish what they have'],
    ['im scale gateways=1', 'clients of the others come back at this one, with their sessions'],
    ['im scale broadcast-nodes=3', 'of an im up with --redis and --managers'],
  ],
  async run({ counts, json, ...config }, { print }) {
    const wanted = Object.fromEntries(
      counts.map((text) => {
        const at = text.indexOf('=');
        return [text.slice(0, at), Number(text.slice(at + 1))];
      }),
    );
    const outcome = await askUp(controlSocket(config), 'scale', {
      subject: wanted,
      onProgress: (progress) => print(json ? `${JSON.stringify({ progress })}\n` : `${progress}\n`),
    }).catch(asCommandError);
    if (json) print(`${JSON.stringify(outcome)}\n`);
    if (!outcome.scaled) throw new CommandError(outcome.message, 1);
    if (!json) print(`${outcome.message}\n`);
  },
});
