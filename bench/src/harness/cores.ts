/** Which processor core runs what: a server under test alone on the first, everything else on the second. */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** `anywhere`: left to the kernel, where no process is the one under test. */
export type Place = 'server' | 'load' | 'anywhere';

const CORE = { server: 0, load: 1 } as const;

let pinning: boolean | undefined;

/** Whether processes are kept to their core: on Linux, with `taskset`, on two cores or more. */
export function canPin(): boolean {
  pinning ??= availableParallelism() > 1 && spawnSync('taskset', ['-V'], { stdio: 'ignore' }).status === 0;
  return pinning;
}

/** The command that runs a command on its core; `taskset` replaces itself, so the process id is the command's. */
export function pinned(place: Place, command: readonly string[]): [string, ...string[]] {
  const words = place !== 'anywhere' && canPin() ? ['taskset', '-c', String(CORE[place]), ...command] : command;
  return words as [string, ...string[]];
}
