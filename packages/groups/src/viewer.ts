/** A member of groups as fan-out sees it: something that can be written to. Which socket it is, is the gateway's business. */
import type { Delivery, Reset, Shed } from '@im/protocol';

/**
 * How bytes for a viewer are made: one per codec and transport, shared by all viewers of that kind, so that a chunk
 * is encoded once whatever the size of the audience. Compared by identity.
 */
export interface Encoding {
  /** One transport-ready chunk of one group and lane, in order; never called without deliveries. */
  pushes(deliveries: readonly Delivery[]): Uint8Array;
  /** The same of what a few are replayed, or one was not sent in time: not compressed. */
  pushesToOne(deliveries: readonly Delivery[]): Uint8Array;
  shed(shed: Omit<Shed, 'type'>): Uint8Array;
  reset(reset: Omit<Reset, 'type'>): Uint8Array;
}

export interface Viewer {
  readonly encoding: Encoding;
  /** Too much is unsent: normal chunks are shed and counted until this is false again. */
  readonly congested: boolean;
  /**
   * Reads what the next {@link write} will read. Asked of several viewers in turn before the first of them is written: alone each is mostly
   * waiting for memory, and so they wait at once. @returns any number, so that no compiler leaves the reads out
   */
  prefetch(): number;
  /**
   * Queues shared bytes; must not change them. Never throws. Of the fan-out it may call `leaveAll`, as a connection
   * that breaks does, and nothing else.
   */
  write(chunk: Uint8Array): void;
}
