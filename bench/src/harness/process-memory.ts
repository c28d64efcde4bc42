/** The memory that a process has resident, from /proc. */
import { readFileSync } from 'node:fs';

/** `VmRSS` of proc(5) `status`. @param status the file's text @returns bytes; NaN of a process that has none */
export function parseResidentBytes(status: string): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

export function residentBytes(pid: number): number {
  return parseResidentBytes(readFileSync(`/proc/${pid}/status`, 'utf8'));
}
