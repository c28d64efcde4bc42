/** Owns: how people name a broadcast node: its name and one address, from which those of its four sockets follow. Pure. */
import path from 'node:path';
import type { NodeAddresses } from '@im/broadcast/zeromq';
import { z } from 'zod';

/** Longest path of a socket, without the final NUL of sockaddr_un. */
const MAX_SOCKET_PATH = 107;
/** One for each socket, in the order of their ports. */
const SOCKETS = ['np', 'pp', 'ns', 'ps'] as const;

const TCP = /^(?<id>[A-Za-z0-9_.-]{1,64})@tcp:\/\/(?<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.*-]+):(?<port>\d{1,5})$/;
const IPC = /^(?<id>[A-Za-z0-9_.-]{1,64})@ipc:\/\/(?<file>\/.+)$/;

export const nodeAddress = z
  .string()
  .refine((text) => isNodeAddress(text))
  .describe('name@tcp://host:port or name@ipc:///absolute/path');

function isNodeAddress(text: string): boolean {
  const port = Number(TCP.exec(text)?.groups?.port);
  return IPC.test(text) || (port >= 1 && port <= 65_532);
}

/**
 * `node-1@tcp://host:7501`: the four ports from there on. `node-1@ipc:///folder/name`: the sockets `name.np`, `.pp`, `.ns`, `.ps`,
 * normal and priority, to publish and to subscribe.
 * @param text a {@link nodeAddress}
 */
export function nodeAddressesOf(text: string): NodeAddresses {
  const tcp = TCP.exec(text)?.groups;
  const at = (socket: number): string =>
    tcp === undefined
      ? `ipc://${IPC.exec(text)?.groups?.file}.${SOCKETS[socket]}`
      : `tcp://${tcp.host}:${Number(tcp.port) + socket}`;
  return {
    id: text.slice(0, text.indexOf('@')),
    publish: { normal: at(0), priority: at(1) },
    subscribe: { normal: at(2), priority: at(3) },
  };
}

/** @returns undefined when the sockets of this node would have longer paths than the system takes */
export function ipcNodeAddress(folder: string, name: string): string | undefined {
  const file = path.join(path.resolve(folder), name);
  const fits = Buffer.byteLength(`${file}.${SOCKETS[0]}`) <= MAX_SOCKET_PATH;
  return fits ? `${name}@ipc://${file}` : undefined;
}
