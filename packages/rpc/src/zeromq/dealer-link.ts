/** A link over a DEALER of its own: one socket, one broker, one incarnation. Owns the bounded queue in front of the socket. */
import { setImmediate } from 'node:timers/promises';
import { type Context, Dealer } from 'zeromq';
import type { Connector, Link, LinkEvents } from '../connection/link.js';
import type { CurveClientKeys } from './curve.js';
import { READ_AT_ONCE, type SocketLimits, socketOptions } from './socket-options.js';

export interface DealerOptions extends SocketLimits {
  readonly address: string;
  readonly keys?: CurveClientKeys | undefined;
  readonly context?: Context | undefined;
}

/** What may wait in front of a socket that takes no more. */
const CONGESTED_BYTES = 4_194_304;

export function createDealerConnector(options: DealerOptions): Connector {
  return { local: false, open: (events) => new DealerLink(options, events) };
}

class DealerLink implements Link {
  readonly #socket: Dealer;
  readonly #events: LinkEvents;
  #queue: Buffer[][] = [];
  #queuedBytes = 0;
  #sending = false;
  #isOpen = true;

  constructor({ address, keys, context, maxBodyBytes }: DealerOptions, events: LinkEvents) {
    this.#events = events;
    this.#socket = new Dealer({
      ...socketOptions({ maxBodyBytes }),
      // What cannot be sent waits here, where it can still be taken back, not in a pipe to nobody.
      immediate: true,
      reconnectInterval: 100,
      reconnectMaxInterval: 1_000,
      ...(context !== undefined && { context }),
      ...(keys !== undefined && {
        curveServerKey: keys.brokerKey,
        curvePublicKey: keys.publicKey,
        curveSecretKey: keys.secretKey,
      }),
    });
    watchDisconnects(this.#socket, () => this.#broken());
    this.#socket.connect(address);
    void this.#receive();
  }

  get hasUnsent(): boolean {
    return this.#sending;
  }

  get congested(): boolean {
    return this.#queuedBytes > CONGESTED_BYTES;
  }

  send(frames: Buffer[]): void {
    this.#queue.push(frames);
    this.#queuedBytes += sizeOf(frames);
    if (!this.#sending) void this.#send();
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    this.#queue = [];
    this.#socket.close();
  }

  /** One send at a time: what the socket does not take at once waits in the queue, never inside the binding. */
  async #send(): Promise<void> {
    this.#sending = true;
    try {
      for (let frames = this.#queue.shift(); frames !== undefined; frames = this.#queue.shift()) {
        await this.#socket.send(frames);
        this.#queuedBytes -= sizeOf(frames);
      }
    } catch {
      // Closed under our hands, or broken: told by the event.
      if (this.#isOpen) this.#broken();
    }
    this.#sending = false;
  }

  async #receive(): Promise<void> {
    try {
      for (let read = 1; this.#isOpen; read++) {
        const frames = await this.#socket.receive();
        if (this.#isOpen) this.#events.onMessage(frames);
        if (read % READ_AT_ONCE === 0) await setImmediate();
      }
    } catch {
      if (this.#isOpen) this.#broken();
    }
  }

  #broken(): void {
    if (this.#isOpen) this.#events.onBroken();
  }
}

/** Where the library cannot watch its sockets, heartbeats tell. A signal may interrupt it at any time: it is asked again. */
function watchDisconnects(socket: Dealer, onDisconnect: () => void): void {
  for (let attempt = 0; attempt < 10; attempt++) {
    try {
      socket.events.on('disconnect', onDisconnect);
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== 'EINTR') return;
    }
  }
}

function sizeOf(frames: readonly Buffer[]): number {
  let size = 0;
  for (const { length } of frames) size += length;
  return size;
}
