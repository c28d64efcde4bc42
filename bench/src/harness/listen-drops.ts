/** Requests to connect that the kernel let fall, from /proc. */
import { existsSync, readFileSync } from 'node:fs';

const FILE = '/proc/net/netstat';

/** `ListenDrops` of `TcpExt`: lines come in pairs, names above values. @param netstat the file's text @returns NaN where it is not told */
export function parseListenDrops(netstat: string): number {
  const [names, values] = netstat.split('\n').filter((line) => line.startsWith('TcpExt:'));
  const at = names?.split(' ').indexOf('ListenDrops') ?? -1;
  return at < 0 ? Number.NaN : Number(values?.split(' ')[at]);
}

/**
 * Of this host since it was started, mostly because the queue of connections that wait to be accepted was full. Whoever asked in vain asks again after
 * 1, 3, 7 and 15 seconds.
 */
export function listenDrops(): number {
  return existsSync(FILE) ? parseListenDrops(readFileSync(FILE, 'utf8')) : Number.NaN;
}
