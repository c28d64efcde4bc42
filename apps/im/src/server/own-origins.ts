/** Owns: under which origins this server's own page is seen by browsers. */
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

/** Whether only programs of this host can reach the address. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Addresses under which a server that listens on `host` is reached; the first is what to show. */
export function reachableHosts(host: string): string[] {
  const loopback = ['127.0.0.1', 'localhost', '::1'];
  if (isLoopbackHost(host)) return [host, ...loopback.filter((one) => one !== host)];
  if (host !== '0.0.0.0' && host !== '::') return [host];
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return [...loopback, ...own.filter(({ internal }) => !internal).map(({ address }) => address)];
}

/** `http://127.0.0.1:8080` */
export function originOf(host: string, port: number): string {
  return new URL(`http://${isIPv6(host) ? `[${host}]` : host}:${port}`).origin;
}

export function ownOrigins(host: string, port: number): string[] {
  return reachableHosts(host).map((one) => originOf(one, port));
}
