/** What an app says when it creates a client, and the ports that tests fill otherwise. */

import type { ClientCodec, Position, Positions } from '@im/protocol';
import type { Clock, Random } from '@im/protocol/ports';
import type { Backoff } from './connection/backoff.js';
import type { WebSocketConstructor } from './connection/link.js';
import type { Signals } from './connection/signals.js';

export interface AddressRequest {
  /** From 1 since the connection last held. */
  readonly attempt: number;
  /** Aborts when the attempt is given up. */
  readonly signal: AbortSignal;
  /** How attempts after this one are delayed. Whoever knows better changes it. */
  readonly reconnect: Backoff;
}

export interface TokenRequest {
  /** `expired`: the gateway refused the last one as too old. */
  readonly reason: 'connect' | 'expired';
  /** Aborts when the client is closed, and after a minute without an answer. */
  readonly signal: AbortSignal;
}

/** Where positions outlive the page, so that what came meanwhile is brought on return. One user's, on one device. */
export interface PositionStore {
  /** Asked once, before the first connection. */
  load(): Positions | Promise<Positions>;
  /**
   * After the listeners had the message; undefined forgets the group. Rooms are not kept: who returns later does not
   * want yesterday's gifts.
   */
  save(group: string, position: Position | undefined): void;
}

/** How messages are written: as text, or as bytes. */
export type Codec = ClientCodec<string> | ClientCodec<Uint8Array<ArrayBuffer>, Uint8Array | ArrayBuffer>;

export interface ClientOptions {
  /** Where to connect: one address, several that are tried in order, or a function that is asked for each attempt. */
  readonly url: string | readonly string[] | ((request: AddressRequest) => string | Promise<string>);
  /**
   * Who connects. A function is asked at first and whenever the token has expired; an answer that is late is still
   * used. When it throws a non-retryable ImError the client closes, after any other error it tries again later.
   */
  readonly token: string | ((request: TokenRequest) => string | Promise<string>);
  /** One installation of one user, `[A-Za-z0-9_-]{1,64}`. Default: a new one each time. */
  readonly device?: string;
  /** `[a-z]{1,16}`. Default: `web` in pages, else `node`. */
  readonly platform?: string;
  /** Default: the global one. Node has it from 22 on; before, pass that of `ws`. */
  readonly WebSocket?: WebSocketConstructor;
  /** Default: JSON. That of `@im/client-sdk/msgpack` takes fewer bytes. */
  readonly codec?: Codec;
  readonly positions?: PositionStore;
  /** Default: 500 to 30,000. */
  readonly reconnect?: Partial<Backoff>;
  /** For each step of an attempt: address and token, transport, hello. Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** Default 10,000. */
  readonly callTimeoutMs?: number;
  /** The service whose `enter` and `leave` rooms use. Default: `room`. */
  readonly roomService?: string;
}

/** What the client needs of the world. Filled with the real ones unless a test does. */
export interface Ports {
  readonly clock: Clock;
  readonly random: Random;
  readonly signals: Signals;
}
