/** One connection to NATS that publishes or subscribes. Owns what its client's calls mean; must not know what is carried. */
import { ImError } from '@im/protocol';
import {
  type ConnectionOptions,
  connect,
  ErrorCode,
  type Msg,
  type NatsConnection,
  NatsError,
  type Subscription,
} from 'nats';
import type { PubSubLink, PubSubMessage } from '../pubsub/pubsub-link.js';

/** So long until it stands, or the attempt has failed. */
const CONNECT_TIMEOUT_MS = 5_000;
/** A server that leaves this many pings, one each interval, unanswered is given up. */
const PINGS_OUT = 2;
const PING_INTERVAL_MS = 2_000;

/** @throws ImError UNAVAILABLE, CONFIG_INVALID */
export async function openNatsLink(
  options: ConnectionOptions,
  name: string,
  onMessage: (channel: string, bytes: Buffer) => void,
): Promise<PubSubLink> {
  try {
    const connection = await connect({
      timeout: CONNECT_TIMEOUT_MS,
      pingInterval: PING_INTERVAL_MS,
      maxPingOut: PINGS_OUT,
      ...options,
      // Whoever holds the link makes another; this one ends with its connection.
      reconnect: false,
    });
    return new NatsLink(connection, onMessage);
  } catch (error) {
    throw connectError(name, error);
  }
}

class NatsLink implements PubSubLink {
  readonly lost: Promise<unknown>;
  readonly #connection: NatsConnection;
  readonly #onMessage: (channel: string, bytes: Buffer) => void;
  readonly #subscriptions = new Map<string, Subscription>();
  /** The client leaves whoever waits for an answer alone when the connection ends. */
  readonly #waiting = new Set<(error: Error) => void>();
  #refusal: Error | undefined;

  constructor(connection: NatsConnection, onMessage: (channel: string, bytes: Buffer) => void) {
    this.#connection = connection;
    this.#onMessage = onMessage;
    this.lost = connection.closed().then((cause) => {
      for (const fail of this.#waiting) fail(new Error('the connection to NATS was lost'));
      return cause ?? undefined;
    });
  }

  async publish(messages: readonly PubSubMessage[]): Promise<ReadonlyMap<number, Error>> {
    const refused = new Map<number, Error>();
    messages.forEach(({ channel, bytes }, place) => {
      try {
        this.#connection.publish(channel, bytes);
      } catch (error) {
        if (!(error instanceof NatsError) || this.#connection.isClosed()) throw error;
        refused.set(place, error);
      }
    });
    await this.#answered();
    return refused;
  }

  async subscribe(channels: readonly string[]): Promise<Error | undefined> {
    for (const channel of channels) {
      if (this.#subscriptions.has(channel)) continue;
      const callback = (error: NatsError | null, message: Msg) => {
        if (error === null) this.#onMessage(channel, bufferOf(message.data));
        else this.#refused(channel, error);
      };
      this.#subscriptions.set(channel, this.#connection.subscribe(channel, { callback }));
    }
    await this.#answered();
    const refusal = this.#refusal;
    this.#refusal = undefined;
    return refusal;
  }

  unsubscribe(channels: readonly string[]): void {
    for (const channel of channels) {
      this.#subscriptions.get(channel)?.unsubscribe();
      this.#subscriptions.delete(channel);
    }
  }

  check(): void {
    // The client pings by itself.
  }

  async close(): Promise<void> {
    // What was written to a socket that the server has ended fails in a moment, and the client listens for that only until
    // it is closed: the failure would end the process.
    await new Promise(setImmediate);
    await this.#connection.close();
  }

  #refused(channel: string, error: Error): void {
    this.#subscriptions.delete(channel);
    this.#refusal = error;
  }

  /** Settles when the server has done what it was told before. */
  async #answered(): Promise<void> {
    if (this.#connection.isClosed()) throw new Error('the connection to NATS was lost');
    await new Promise<void>((resolve, reject) => {
      this.#waiting.add(reject);
      const done = () => this.#waiting.delete(reject);
      this.#connection.flush().then(
        () => {
          done();
          resolve();
        },
        (error: Error) => {
          done();
          reject(error);
        },
      );
    });
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

const REFUSALS: readonly string[] = [
  ErrorCode.AuthorizationViolation,
  ErrorCode.AuthenticationExpired,
  ErrorCode.BadAuthentication,
];

function connectError(name: string, cause: unknown): ImError {
  if (cause instanceof NatsError && REFUSALS.includes(cause.code)) {
    return new ImError('CONFIG_INVALID', { message: `${name} refused the user name or password`, cause });
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ImError('UNAVAILABLE', { message: `${name} cannot be reached: ${reason}`, cause });
}
