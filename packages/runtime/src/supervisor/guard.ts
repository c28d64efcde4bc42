/**
 * Owns: the end of a child whose supervisor was killed and can stop nothing any more. Kernels tell nobody that a parent
 * has died, but they close its pipes: a shell of a few lines waits for that beside each child, whatever program it is.
 */
import { spawn } from 'node:child_process';
import type { Readiness } from './child-spec.js';

/**
 * Reads the process group, then waits. A line says that the group has ended. The end of the pipe says that the
 * supervisor has: the group is signalled as a supervisor would, and killed when its time is up.
 * $1: the first signal, 0 for none. $2: seconds from there to SIGKILL.
 */
const SCRIPT = `
read -r group || exit
read -r _ && exit
kill -s "$1" -- "-$group"
left=$2
while [ "$left" -gt 0 ] && kill -s 0 -- "-$group"; do
  sleep 1
  left=$((left - 1))
done
kill -s KILL -- "-$group"
`;

export interface Guard {
  /** From here on the death of this process ends the process group. Undefined: there is none to guard. */
  watch(group: number | undefined): void;
  /** The group has ended. */
  release(): void;
}

/**
 * Start it before the child, so that nothing but one write lies between the child's start and its watch. Children that
 * are ready by IPC notice the death themselves (see parent-link.ts), and are killed only when they do not stop in time.
 */
export function startGuard(readyBy: Readiness['by'], stopTimeoutMs: number): Guard {
  const signal = readyBy === 'ipc' ? '0' : 'TERM';
  const shell = spawn('/bin/sh', ['-c', SCRIPT, 'im-guard', signal, String(Math.ceil(stopTimeoutMs / 1_000))], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // A session of its own: Ctrl-C and a terminal that closes do not reach it.
    detached: true,
  });
  // Without a shell, or after somebody killed it, the child is not guarded; it runs all the same.
  shell.on('error', () => {});
  shell.stdin.on('error', () => {});
  shell.unref();
  return {
    watch(group) {
      if (group === undefined) shell.stdin.end();
      else shell.stdin.write(`${group}\n`);
    },
    release: () => void shell.stdin.end('\n'),
  };
}
