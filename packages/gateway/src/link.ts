/**
 * What stands between the gateway and a transport. A transport makes one {@link Link} a connection, hands it to
 * `gateway.accept` and reports to the {@link LinkEvents} it gets back. Neither side knows the other's insides.
 */
import type { Wire } from './wire.js';

export interface Link {
  /** How messages become transport-ready bytes; one shared object for all links of a kind. */
  readonly wire: Wire;
  /** The person's address, as far as trusted proxies say. */
  readonly remoteAddress: string;
  /** Bytes that were written and that the network has not taken yet. */
  readonly bufferedBytes: number;
  /** Reads what the next {@link write} will read, ahead of it: alone it would mostly wait for memory. @returns any number */
  prefetch(): number;
  /**
   * Queues a transport-ready chunk, in order, and what {@link probe} does behind it where a number is given. The bytes may be shared and
   * must not be changed. Never throws; does nothing once closing.
   */
  write(chunk: Uint8Array, probe?: number): void;
  /**
   * Asks the client, behind what is queued, to answer with this number, a 32-bit unsigned integer, once it has read so far;
   * `LinkEvents.confirmed` tells its answer. WebSocket: a ping; a transport without such frames has to carry the number in its
   * `ping` and `pong` messages.
   */
  probe(number: number): void;
  /**
   * Sends what is queued, then says why and closes; a peer that does not answer is cut off after a while. Idempotent.
   * `LinkEvents.closed` follows.
   * @param reason text for people, at most 120 bytes
   */
  close(code: number, reason: string): void;
}

export interface LinkEvents {
  /** One transport message. The bytes must not be changed afterwards: bodies are views into them. */
  received(frame: Uint8Array): void;
  /** Traffic that is no message (PR-110), such as a WebSocket ping; counts against the flood limit. */
  heard(): void;
  /** An answer to {@link Link.probe}, or what looks like one. */
  confirmed(number: number): void;
  /** A transport message that cannot be one of the protocol's, such as a binary frame of a text protocol (PR-15). */
  malformed(why: string): void;
  /** A transport message above `limits.frameBytes`, refused before it was read (PR-13). */
  oversized(): void;
  /** The link is gone, for whatever reason. Once; nothing comes after it. */
  closed(): void;
}
