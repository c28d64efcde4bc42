/** Where Redis is, as users say it: one server, or nodes of a Cluster. Pure. */
import type { RedisOptions } from 'ioredis';

/** `redis://:password@host:6379`, `rediss://…` for TLS; several of one Cluster; or what ioredis takes. */
export type RedisAddress = string | readonly string[] | RedisOptions;

/** One server that may be connected to. */
export interface RedisNode {
  /** For people, without its password. */
  readonly name: string;
  readonly address: string | RedisOptions;
}

export function nodesOf(address: RedisAddress): readonly [RedisNode, ...RedisNode[]] {
  const [first = 'redis://localhost:6379', ...others] = isList(address) ? address : [address];
  return [nodeOf(first), ...others.map(nodeOf)];
}

/** Another node of the same Cluster: reached as this one is. */
export function sibling({ address }: RedisNode, host: string, port: number): RedisNode {
  const name = `${host}:${port}`;
  if (typeof address === 'string') {
    const url = new URL(address);
    url.host = host.includes(':') ? `[${host}]` : host;
    url.port = `${port}`;
    return { name, address: url.href };
  }
  const { path: _, ...options } = address;
  return { name, address: { ...options, host, port } };
}

function nodeOf(address: string | RedisOptions): RedisNode {
  if (typeof address === 'string') {
    const text = address.includes('://') ? address : `redis://${address}`;
    const { hostname, port, pathname } = new URL(text);
    return { name: hostname === '' ? pathname : `${hostname}:${port || 6379}`, address: text };
  }
  const { sentinels, name = 'its master', path, host = 'localhost', port = 6379 } = address;
  return { name: sentinels === undefined ? (path ?? `${host}:${port}`) : `${name}, by sentinels`, address };
}

function isList(address: RedisAddress): address is readonly string[] {
  return Array.isArray(address);
}
