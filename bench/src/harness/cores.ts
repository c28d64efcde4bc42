/** Which processor core runs what: a server under test alone on the first, everything else on the second. */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** `anywhere`: left to the kernel, where no process is the one under test. */
export type Place = 'server' | 'load' | 'anywhere';

/** With so few, `im up` starts its processes as `node` does here. */
const FEW_CORES = 2;

const CORE = { server: 0, load: 1 } as const;

let pinning: boolean | undefined;

/** Whether processes are kept to their core: on Linux, with `taskset`, on two cores or more. */
export function canPin(): boolean {
  pinning ??= availableParallelism() > 1 && spawnSync('taskset', ['-V'], { stdio: 'ignore' }).status === 0;
  return pinning;
}

/**
 * How programs for Node begin. Several that share few cores do without V8's helper threads for collecting garbage, which would take from one what they give to
 * another; whose programs they are makes no difference.
 */
export function nodeAt(place: Place): readonly string[] {
  const isCrowded = place === 'anywhere' && availableParallelism() <= FEW_CORES;
  return isCrowded ? [process.execPath, '--single-threaded-gc'] : [process.execPath];
}

let canLeave: boolean | undefined;

/** A command that runs a command on what all others leave of the processor, as if it ran elsewhere; by itself where there is no `chrt`. */
export function onLeftovers(command: readonly string[]): readonly string[] {
  canLeave ??= spawnSync('chrt', ['--idle', '0', 'true'], { stdio: 'ignore' }).status === 0;
  return canLeave ? ['chrt', '--idle', '0', ...command] : command;
}

/** The command that runs a command on its core; `taskset` replaces itself, so the process id is the command's. */
export function pinned(place: Place, command: readonly string[]): [string, ...string[]] {
  const words = place !== 'anywhere' && canPin() ? ['taskset', '-c', String(CORE[place]), ...command] : command;
  return words as [string, ...string[]];
}
