/**
 * Writing to a socket at once, past its stream: for a frame to thousands the stream is a tenth of the cost (ADR 36). Owns what is
 * known here of Node that Node does not document: a socket has a handle until it is closed, and that the number of a descriptor.
 * Where that does not hold, nothing is written directly.
 */
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Through which a socket has its file descriptor. */
export interface SocketHandle {
  readonly fd: number;
}

interface HandledSocket extends Duplex {
  readonly _handle?: Partial<SocketHandle> | null;
}

/**
 * The handle of a socket whose bytes go to its descriptor as they are: TCP and Unix sockets. Undefined for those with TLS, on Windows,
 * for streams that are no sockets, and once it is closed.
 */
export function handleOf(socket: HandledSocket): SocketHandle | undefined {
  // Not `instanceof`: a TLS socket is one of these, and its descriptor takes ciphertext.
  if (Object.getPrototypeOf(socket) !== Socket.prototype) return undefined;
  const handle = socket._handle;
  return typeof handle?.fd === 'number' && handle.fd >= 0 ? (handle as SocketHandle) : undefined;
}

/** Whether the socket still has this handle. To be asked before each write: a descriptor that was closed is soon somebody else's. */
export function hasHandle(socket: HandledSocket, handle: SocketHandle): boolean {
  return socket._handle === handle;
}

/** @returns how many bytes the kernel took; 0 also where it failed: the stream, which is to take the rest, finds out why */
export function writeNow(descriptor: number, bytes: Uint8Array): number {
  try {
    return writeSync(descriptor, bytes, 0, bytes.length);
  } catch {
    return 0;
  }
}
