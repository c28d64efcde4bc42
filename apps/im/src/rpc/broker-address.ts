/** Owns: how people name a broker: one address, from which those of its two ports follow. Pure. */
import path from 'node:path';
import type { BrokerAddress } from '@im/rpc/zeromq';
import { z } from 'zod';

/** Longest path of a socket, without the final NUL of sockaddr_un. */
const MAX_SOCKET_PATH = 107;
const SIDES = ['callers', 'workers'] as const;

const TCP = /^tcp:\/\/(?<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.*-]+):(?<port>\d{1,5})$/;
const IPC = /^ipc:\/\/(?<file>\/.+)$/;

export const brokerAddress = z
  .string()
  .refine((text) => isBrokerAddress(text))
  .describe('tcp://host:port or ipc:///absolute/path');

function isBrokerAddress(text: string): boolean {
  const port = Number(TCP.exec(text)?.groups?.port);
  return IPC.test(text) || (port >= 1 && port <= 65_534);
}

/**
 * `tcp://host:7401`: callers connect there, workers one port above. `ipc:///folder/name`: to the sockets `name.callers` and
 * `name.workers`.
 * @param text a {@link brokerAddress}
 */
export function portsOf(text: string): BrokerAddress {
  const { host, port } = TCP.exec(text)?.groups ?? {};
  if (host !== undefined) return { callers: text, workers: `tcp://${host}:${Number(port) + 1}` };
  return { callers: `${text}.callers`, workers: `${text}.workers` };
}

/** @returns undefined when the sockets of this broker would have longer paths than the system takes */
export function ipcAddress(folder: string, name: string): string | undefined {
  const file = path.join(path.resolve(folder), name);
  const fits = SIDES.every((side) => Buffer.byteLength(`${file}.${side}`) <= MAX_SOCKET_PATH);
  return fits ? `ipc://${file}` : undefined;
}
