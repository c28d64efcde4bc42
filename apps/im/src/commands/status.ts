/** `im status`: how a running `im up` is. */
import { wantsColour } from '@im/runtime';
import { defineCommand } from '../command.js';
import { loggingSettings } from '../settings.js';
import { asCommandError, upFolder } from '../up/ask-command.js';
import { askUp } from '../up/control-socket.js';
import { statusText } from '../up/status-text.js';
import { controlSocket } from '../up/up-settings.js';

export const status = defineCommand({
  name: 'status',
  summary: 'how a running im up is: its processes, what they do, and what is not as it should be',
  settings: { dataFolder: upFolder, json: { ...loggingSettings.json, description: 'print JSON, for scripts' } },
  examples: [
    ['im status', 'exit code 0 if all is well, 1 if not, 3 if no im up runs there'],
    ["im status --json | jq '.processes[] | select(.restarts > 0).name'", 'those that were started again'],
  ],
  async run({ json, ...config }, { print, variables }) {
    const answer = await askUp(controlSocket(config), 'status').catch(asCommandError);
    const colours = wantsColour(process.stdout, variables);
    print(json ? `${JSON.stringify(answer)}\n` : statusText(answer, Date.now(), colours));
    // What is wrong has been said.
    if (!answer.healthy) process.exitCode = 1;
  },
});
