/**
 * Reading from a socket past its stream: what that does for a chunk that is taken at once costs more than most chunks do, which are
 * heartbeats and confirmations (ADR 37). Owns what is assumed of sockets for that; must not know what is read.
 */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** A `push` for many sockets: what they read goes to `take`, with the socket as `this`, and only the end to the stream, which tells it as ever. */
export function pushTo(take: (this: Duplex, chunk: Buffer) => void): Duplex['push'] {
  return function push(this: Duplex, chunk: Buffer | null): boolean {
    if (chunk === null) return Socket.prototype.push.call(this, null);
    take.call(this, chunk);
    return true;
  };
}

/**
 * Has a stream hand what it reads to this `push` from now on, if it goes on reading whatever becomes of that: sockets do, also those with
 * TLS, while other streams may wait to be asked for each chunk. Not where something waits in the stream: it must not be overtaken.
 */
export function readPast(stream: Duplex, push: Duplex['push']): void {
  if (stream._read === Socket.prototype._read && stream.readableLength === 0) stream.push = push;
}
