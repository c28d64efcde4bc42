/** The CPU time that a process has used, from /proc. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

let ticksPerSecond: number | undefined;

function clockTicks(): number {
  ticksPerSecond ??= Number(spawnSync('getconf', ['CLK_TCK']).stdout?.toString() || '100') || 100;
  return ticksPerSecond;
}

/** Fields 14 and 15 of proc(5) `stat`: time of all threads in user and kernel mode. @param stat the file's text */
export function parseCpuTicks(stat: string): number {
  // The name of the command stands in parentheses and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** CPU time, user and system, of all threads since the process began. */
export function cpuSeconds(pid: number): number {
  return parseCpuTicks(readFileSync(`/proc/${pid}/stat`, 'utf8')) / clockTicks();
}
