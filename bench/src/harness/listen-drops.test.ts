import { expect, it } from 'vitest';
import { parseListenDrops } from './listen-drops.js';

it('finds the drops among the names of their line, and says so where there are none', () => {
  const netstat = 'TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 0 41 42\nIpExt: ListenDrops\nIpExt: 7\n';
  expect(parseListenDrops(netstat)).toBe(42);
  expect(parseListenDrops('IpExt: ListenDrops\nIpExt: 7\n')).toBeNaN();
});
