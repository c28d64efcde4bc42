/**
 * Writing to a socket at once, past its stream: for a frame to thousands the stream is a tenth of the cost (ADR 36). Owns what is
 * known here of Node that Node does not document: a socket has a handle, null once it is closed, with the number of its descriptor.
 * Where that does not hold, nothing is written directly.
 */
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

interface Handle {
  readonly fd?: number;
}

/** A socket, as far as it can be seen whether its descriptor is still its own. */
export interface HandledSocket extends Duplex {
  readonly _handle?: Handle | null;
}

/** What {@link descriptorOf} says of sockets that are written to as streams only. */
export const NO_DESCRIPTOR = -1;

/**
 * Where to write a socket's bytes as they are: TCP and Unix sockets have such a place; those with TLS, on Windows, and streams that
 * are no sockets have none. It is the socket's for as long as its `_handle` is the same.
 */
export function descriptorOf(socket: HandledSocket): number {
  // Not `instanceof`: a TLS socket is one of these, and its descriptor takes ciphertext.
  if (Object.getPrototypeOf(socket) !== Socket.prototype) return NO_DESCRIPTOR;
  const fd = socket._handle?.fd;
  return typeof fd === 'number' && fd >= 0 ? fd : NO_DESCRIPTOR;
}

/** @returns how many bytes the kernel took; 0 also where it failed: the stream, which is to take the rest, finds out why */
export function writeNow(descriptor: number, bytes: Uint8Array): number {
  try {
    return writeSync(descriptor, bytes, 0, bytes.length);
  } catch {
    return 0;
  }
}
