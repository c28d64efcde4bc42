/** Owns: taking a port and giving it back. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '@im/protocol/ports';
import { CommandError } from '../command.js';

/** How long answers that are on their way may take when the server closes. */
const CLOSE_GRACE_MS = 2_000;
/**
 * Connections that wait to be accepted: as many as the kernel holds (`net.core.somaxconn`, as a rule 4,096), and not Node's 511. Who finds no room asks again after
 * seconds, which is when all who return after a cut would come at once again.
 */
const BACKLOG = 65_535;

export interface Address {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** The flag that sets the port. Default: `--port`. */
  readonly flag?: string;
  /** The flag that sets the host. Default: `--host`. */
  readonly hostFlag?: string;
}

/**
 * The port.
 * @param onError told of what goes wrong later, such as accepting for want of memory: the connections it has go on
 * @throws CommandError, naming the flag that helps
 */
export function listen(
  server: Server,
  { host, port, flag = '--port', hostFlag = '--host' }: Address,
  onError: (error: Error) => void,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException): void =>
      reject(asCommandError(error, { host, port, flag, hostFlag }));
    server.once('error', refuse);
    server.listen({ port, host, backlog: BACKLOG }, () => {
      server.off('error', refuse);
      server.on('error', onError);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function asCommandError(error: NodeJS.ErrnoException, { host, port, flag, hostFlag }: Required<Address>): Error {
  switch (error.code) {
    case 'EADDRINUSE':
      return new CommandError(`port ${port} of ${host} is in use; stop what uses it, or choose another with ${flag}`);
    case 'EACCES':
      return new CommandError(`port ${port} may not be used by this user; choose one above 1023 with ${flag}`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new CommandError(`${host} is no address of this host; choose another with ${hostFlag}`);
    default:
      return error;
  }
}

/** Takes no more requests, lets those it has be answered, then cuts what is left. */
export function closeServer(server: Server, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const grace = clock.after(CLOSE_GRACE_MS, () => server.closeAllConnections());
    server.close(() => {
      grace.cancel();
      resolve();
    });
    server.closeIdleConnections();
  });
}
