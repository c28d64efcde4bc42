/** Owns: how people name a node manager: one address, from which those of its two ports follow. Pure. */
import path from 'node:path';
import type { ManagerAddress } from '@im/cluster/zeromq';
import { z } from 'zod';

/** Longest path of a socket, without the final NUL of sockaddr_un. */
const MAX_SOCKET_PATH = 107;

const TCP = /^tcp:\/\/(?<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.*-]+):(?<port>\d{1,5})$/;
const IPC = /^ipc:\/\/\/.+$/;

export const managerAddress = z
  .string()
  .refine((text) => isManagerAddress(text))
  .describe('tcp://host:port or ipc:///absolute/path');

function isManagerAddress(text: string): boolean {
  const port = Number(TCP.exec(text)?.groups?.port);
  return IPC.test(text) || (port >= 1 && port <= 65_534);
}

/**
 * `tcp://host:7601`: heartbeats go there, the topology comes from one port above. `ipc:///folder/name`: the sockets
 * `name.heartbeats` and `name.topology`.
 * @param text a {@link managerAddress}
 */
export function managerPortsOf(text: string): ManagerAddress {
  const { host, port } = TCP.exec(text)?.groups ?? {};
  if (host !== undefined) return { heartbeats: text, topology: `tcp://${host}:${Number(port) + 1}` };
  return { heartbeats: `${text}.heartbeats`, topology: `${text}.topology` };
}

/** @returns undefined when the sockets of this manager would have longer paths than the system takes */
export function ipcManagerAddress(folder: string, name: string): string | undefined {
  const file = path.join(path.resolve(folder), name);
  return Buffer.byteLength(`${file}.heartbeats`) <= MAX_SOCKET_PATH ? `ipc://${file}` : undefined;
}
