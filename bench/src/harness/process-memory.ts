/** The memory that a process has resident, from /proc. */
import { readFileSync } from 'node:fs';

/** All of it: mapped files too. */
export function residentBytes(pid: number): number {
  return parseResidentBytes(statusOf(pid));
}

/** Without the pages of files that it has mapped, which the kernel takes back when it needs them. */
export function ownBytes(pid: number): number {
  return parseOwnBytes(statusOf(pid));
}

/** `VmRSS` of proc(5) `status`. @param status the file's text @returns bytes; NaN of a process that has none */
export function parseResidentBytes(status: string): number {
  return bytesOf(/^VmRSS:\s+(\d+) kB$/m.exec(status));
}

/** `RssAnon` of proc(5) `status`. @param status the file's text @returns bytes; NaN of a process that has none */
export function parseOwnBytes(status: string): number {
  return bytesOf(/^RssAnon:\s+(\d+) kB$/m.exec(status));
}

function bytesOf(found: RegExpExecArray | null): number {
  return Number(found?.[1]) * 1024;
}

function statusOf(pid: number): string {
  return readFileSync(`/proc/${pid}/status`, 'utf8');
}
