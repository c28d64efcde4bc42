/** Binding, with errors that say which address. */
import { ImError } from '@im/protocol';
import type { Socket } from 'zeromq';
import { LOCAL } from './socket-options.js';

/** @throws ImError CONFIG_INVALID */
export function refuseRemote(address: string): void {
  if (LOCAL.test(address)) return;
  throw new ImError('CONFIG_INVALID', {
    message: `${address} can be reached from other hosts: configure keys, or say insecure`,
    details: { address },
  });
}

/** @returns the address with the port that was chosen @throws ImError CONFIG_INVALID */
export async function bind(
  socket: Socket & { bind(address: string): Promise<void>; readonly lastEndpoint: string | null },
  address: string,
): Promise<string> {
  try {
    await socket.bind(address);
    return socket.lastEndpoint ?? address;
  } catch (cause) {
    const message = `cannot bind ${address}: ${(cause as Error).message}`;
    throw new ImError('CONFIG_INVALID', { message, details: { address }, cause });
  }
}
