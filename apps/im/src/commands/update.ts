/** `im update`: the workers of a running `im up` take their new code, and no call fails. */
import { CommandError, defineCommand } from '../command.js';
import { asCommandError, upFolder } from '../up/ask-command.js';
import { askUp } from '../up/control-socket.js';
import { controlSocket } from '../up/up-settings.js';

export const update = defineCommand({
  name: 'update',
  summary: 'has a running im up start its workers anew, one after the other, without a call failing',
  settings: { dataFolder: upFolder },
  examples: [['im update', 'exit code 1 if the new version did not become ready: then the old one goes on']],
  async run(config, { print }) {
    const { updated, message } = await askUp(controlSocket(config), 'update').catch(asCommandError);
    if (!updated) throw new CommandError(message, 1);
    print(`${message}\n`);
  },
});
