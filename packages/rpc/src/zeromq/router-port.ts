/**
 * One ROUTER of a broker: knows its connections by identity, reads messages, keeps a bounded queue for each peer that does
 * not read, and learns who left. Knows nothing of calls.
 */
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Clock, Counter, Logger, Metrics, Timer } from '@im/protocol/ports';
import { type Context, Router } from 'zeromq';
import type { Peer, PeerLink } from '../broker/peer.js';
import { isPlain } from '../wire/plain-codec.js';
import { MAX_FRAMES } from '../wire/record.js';
import type { CurveServerKeys } from './curve.js';
import { malformedAnswer, packToPlain, plainToPack } from './plain-peer.js';
import { READ_AT_ONCE, type SocketLimits, socketOptions } from './socket-options.js';

export interface RouterOptions extends SocketLimits {
  /** `callers` or `workers`, for logs and metrics. */
  readonly side: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly keys?: CurveServerKeys | undefined;
  readonly context?: Context | undefined;
  accept(link: PeerLink): Peer;
  /** A peer that took no more takes messages again. */
  onWritable(peer: Peer): void;
}

/** Option of libzmq: an empty message when a peer has left. */
const ZMQ_ROUTER_NOTIFY = 97;
const NOTIFY_DISCONNECT = 2;

const CONGESTED_BYTES = 262_144;
const LEAST_DROP_BYTES = 4_194_304;
const RETRY_MS = 2;
const MAX_PEERS = 65_536;
/** Identity, delimiter and what a message may have. */
const MOST_FRAMES = MAX_FRAMES + 2;
const RETRY_AFTER_ERROR_MS = 10;
const EMPTY = Buffer.alloc(0);

class NotifyingRouter extends Router {
  /** @throws when the library was built without drafts: then heartbeats alone tell */
  notifyDisconnects(): void {
    this.setInt32Option(ZMQ_ROUTER_NOTIFY, NOTIFY_DISCONNECT);
  }
}

export class RouterPort {
  readonly #options: RouterOptions;
  readonly #socket: NotifyingRouter;
  readonly #peers = new Map<string, RouterPeer>();
  readonly #dropped: Counter;
  #isOpen = true;

  constructor(options: RouterOptions) {
    this.#options = options;
    const { side, metrics, logger, keys, context, maxBodyBytes } = options;
    this.#socket = new NotifyingRouter({
      ...socketOptions({ maxBodyBytes }),
      // A peer that is gone or full is an error, not a message that vanishes.
      mandatory: true,
      sendTimeout: 0,
      backlog: 1_024,
      ...(context !== undefined && { context }),
      ...(keys !== undefined && { curveServer: true, curveSecretKey: keys.secretKey, zapDomain: keys.domain }),
    });
    this.#dropped = metrics.counter('im_rpc_dropped_messages_total', {
      help: 'Messages for peers that do not read',
      labels: { side },
    });
    try {
      this.#socket.notifyDisconnects();
    } catch (error) {
      logger.warn('this libzmq does not tell who leaves; heartbeats will', { error });
    }
  }

  /** @returns the address with the port that was chosen */
  async bind(address: string): Promise<string> {
    await this.#socket.bind(address);
    void this.#receive();
    return this.#socket.lastEndpoint ?? address;
  }

  close(): void {
    this.#isOpen = false;
    for (const peer of this.#peers.values()) peer.close();
    this.#socket.close();
  }

  async #receive(): Promise<void> {
    for (let read = 1; this.#isOpen; read++) {
      try {
        const frames: Buffer[] = await this.#socket.receive();
        if (frames.length <= MOST_FRAMES) this.#take(frames.shift() ?? EMPTY, frames);
        else this.#dropped.add();
      } catch (error) {
        if (!this.#isOpen) return;
        this.#options.logger.error('a message could not be read', { side: this.#options.side, error });
        // Whatever it is, it must not take all of the time.
        await setTimeout(RETRY_AFTER_ERROR_MS);
      }
      if (read % READ_AT_ONCE === 0) await setImmediate();
    }
  }

  #take(identity: Buffer, frames: Buffer[]): void {
    const key = identity.toString('latin1');
    const known = this.#peers.get(key);
    if (frames.length === 1 && frames[0]?.length === 0) {
      if (known !== undefined) this.#lose(key, known);
      return;
    }
    const peer = known ?? this.#accept(key, identity);
    peer?.receive(frames);
  }

  #accept(key: string, identity: Buffer): RouterPeer | undefined {
    if (this.#peers.size >= MAX_PEERS) {
      this.#dropped.add();
      return undefined;
    }
    const { clock, maxBodyBytes, accept, onWritable } = this.#options;
    const peer: RouterPeer = new RouterPeer({
      clock,
      identity,
      socket: this.#socket,
      accept,
      onWritable,
      dropBytes: Math.max(LEAST_DROP_BYTES, 2 * maxBodyBytes),
      onDropped: () => this.#dropped.add(),
      onGone: () => this.#lose(key, peer),
    });
    this.#peers.set(key, peer);
    return peer;
  }

  #lose(key: string, peer: RouterPeer): void {
    if (!this.#isOpen || this.#peers.get(key) !== peer) return;
    this.#peers.delete(key);
    peer.close();
    peer.peer.lost();
  }
}

interface RouterPeerOptions {
  readonly clock: Clock;
  readonly identity: Buffer;
  readonly socket: Router;
  /** Beyond it messages for who does not read are dropped. */
  readonly dropBytes: number;
  accept(link: PeerLink): Peer;
  onWritable(peer: Peer): void;
  onDropped(): void;
  onGone(): void;
}

class RouterPeer implements PeerLink {
  readonly local = false;
  readonly peer: Peer;
  readonly #options: RouterPeerOptions;
  #isPlain = false;
  /** It sends an empty frame in front, as REQ sockets do. */
  #hasDelimiter = false;
  #queue: Buffer[][] = [];
  #queuedBytes = 0;
  #sending = false;
  /** Since it was last told that it is writable. */
  #wasCongested = false;
  #retry: Timer | undefined;
  #isOpen = true;

  constructor(options: RouterPeerOptions) {
    this.#options = options;
    this.peer = options.accept(this);
  }

  get congested(): boolean {
    return this.#queuedBytes > CONGESTED_BYTES;
  }

  receive(frames: Buffer[]): void {
    this.#hasDelimiter = frames.length > 1 && frames[0]?.length === 0;
    const message = this.#hasDelimiter ? frames.slice(1) : frames;
    this.#isPlain = isPlain(message[0]);
    if (!this.#isPlain) {
      this.peer.receive(message);
      return;
    }
    const pack = plainToPack(message);
    if (pack === undefined) return;
    if (pack.kind === 'pack') this.peer.receive(pack.frames, pack.isTimed);
    else this.send(malformedAnswer(pack));
  }

  send(frames: Buffer[]): void {
    if (!this.#isOpen) return;
    if (!this.#isPlain) this.#add(frames);
    else for (const message of packToPlain(frames)) this.#add(this.#hasDelimiter ? [EMPTY, ...message] : message);
    if (!this.#sending && this.#retry === undefined) void this.#send();
  }

  close(): void {
    this.#isOpen = false;
    this.#retry?.cancel();
    this.#queue = [];
  }

  #add(frames: Buffer[]): void {
    const size = sizeOf(frames);
    if (this.#queuedBytes + size > this.#options.dropBytes && this.#queue.length > 0) {
      this.#options.onDropped();
      return;
    }
    this.#queuedBytes += size;
    this.#queue.push([this.#options.identity, ...frames]);
  }

  async #send(): Promise<void> {
    const { socket, clock, identity, onGone, onWritable } = this.#options;
    this.#sending = true;
    while (this.#queue.length > 0 && this.#isOpen) {
      const frames = this.#queue[0] as Buffer[];
      this.#wasCongested ||= this.congested;
      try {
        await socket.send(frames);
      } catch (error) {
        this.#sending = false;
        if (!this.#isOpen) return;
        if ((error as { code?: string }).code === 'EAGAIN') {
          this.#retry = clock.after(RETRY_MS, () => {
            this.#retry = undefined;
            void this.#send();
          });
        } else onGone();
        return;
      }
      this.#queue.shift();
      this.#queuedBytes -= sizeOf(frames) - identity.length;
    }
    this.#sending = false;
    if (!this.#wasCongested) return;
    this.#wasCongested = false;
    if (this.#isOpen) onWritable(this.peer);
  }
}

function sizeOf(frames: readonly Buffer[]): number {
  let size = 0;
  for (const { length } of frames) size += length;
  return size;
}
