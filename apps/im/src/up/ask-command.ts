/** Owns: what the commands beside a running `im up` share: naming its folder, and what is said when it does not answer or refuses. */
import { CommandError } from '../command.js';
import { dataFolder } from '../settings.js';
import { NobodyAnswers } from './control-socket.js';

export const upFolder = { ...dataFolder, description: 'of im up' };

/** Of every command beside it: nothing runs there (3 is what init scripts say then). */
const EXIT_NOT_RUNNING = 3;

/** For `catch`. @throws CommandError */
export function asCommandError(error: Error): never {
  if (!(error instanceof NobodyAnswers)) throw new CommandError(error.message, 1, { cause: error });
  throw new CommandError(`${error.message}; name its folder with --data`, EXIT_NOT_RUNNING, { cause: error });
}
