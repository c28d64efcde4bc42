/** `im down`: stops a running `im up`, in order. */
import { setTimeout as wait } from 'node:timers/promises';
import { setting } from '@im/runtime';
import { z } from 'zod';
import { CommandError, defineCommand } from '../command.js';
import { asCommandError, upFolder } from '../up/ask-command.js';
import { askUp } from '../up/control-socket.js';
import { controlSocket } from '../up/up-settings.js';

/** Between all having ended and the end of the process that says so lies a moment. */
const LOOK_MS = 20;

export const down = defineCommand({
  name: 'down',
  summary: 'stops a running im up in order: clients are asked to move, calls are answered, messages flushed',
  settings: {
    dataFolder: upFolder,
    timeoutSeconds: setting(z.int().min(1).max(3_600).default(120), {
      description: 'how long to wait for its end; it goes on stopping all the same',
      flag: 'timeout',
      placeholder: 'seconds',
    }),
  },
  examples: [['im down', 'exit code 0 when nothing runs any more, 3 if nothing ran']],
  async run({ timeoutSeconds, ...config }, { print }) {
    const signal = AbortSignal.timeout(timeoutSeconds * 1_000);
    try {
      const onProgress = (line: string) => print(`${line}\n`);
      const { pid } = await askUp(controlSocket(config), 'down', { onProgress, signal });
      while (isAlive(pid)) await wait(LOOK_MS, undefined, { signal });
    } catch (error) {
      if (signal.aborted) throw new CommandError(`it still stops after ${timeoutSeconds} s (--timeout)`, 1);
      asCommandError(error as Error);
    }
    print('stopped\n');
  },
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
