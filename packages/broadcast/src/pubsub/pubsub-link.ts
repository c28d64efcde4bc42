/**
 * The port to a pub/sub server: one connection that carries bytes by channel. Redis and NATS implement it.
 * Must not know what the bytes say.
 */

export interface PubSubMessage {
  readonly channel: string;
  readonly bytes: Buffer;
}

/** What a connection is for: each has its own, so that a flood on one holds up no other. */
export type LinkRole = 'publish' | 'normal' | 'priority';

/** Connected from the start; once it is lost it stays so. */
export interface PubSubLink {
  /**
   * Sends in the order of the calls; settles when the server has what could be sent. The errors of those it refused, by
   * place. Rejects when the connection is lost: which of them it had is unknown.
   */
  publish(messages: readonly PubSubMessage[]): Promise<ReadonlyMap<number, Error>>;
  /** Settles when they are in force, or with the error of a server that refused. Rejects when the connection is lost. */
  subscribe(channels: readonly string[]): Promise<Error | undefined>;
  /** Takes effect in the order of the calls, of {@link subscribe} too. */
  unsubscribe(channels: readonly string[]): void;
  /** Has the server answer, so that a dead connection is found; for libraries that do not by themselves. */
  check(): void;
  /** Resolves when the connection is lost or closed. */
  readonly lost: Promise<unknown>;
  close(): Promise<void>;
}

/** @throws ImError UNAVAILABLE, CONFIG_INVALID in bounded time, with a line that says where and why */
export type OpenPubSubLink = (
  role: LinkRole,
  onMessage: (channel: string, bytes: Buffer) => void,
) => Promise<PubSubLink>;
