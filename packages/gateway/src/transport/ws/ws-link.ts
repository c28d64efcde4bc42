/**
 * One WebSocket connection, from the end of its handshake, as a {@link Link} on the socket itself. Messages are complete frames, made
 * once for all viewers; each goes to the kernel at once unless something waits before it. Owns the closing handshake.
 *
 * | from    | to      | cause |
 * |---------|---------|-------|
 * | open    | closing | close: a close frame is sent; the client's close frame: answered; what cannot be read; the client has ended its side |
 * | closing | closed  | both sides have ended, or the client took too long |
 * | open    | closed  | the socket broke |
 *
 * There may be very many of them: one costs no functions, no timer and no buffer of its own while it is open.
 */
import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '@im/protocol/ports';
import type { Link, LinkEvents } from '../../link.js';
import { pushTo, readPast } from './direct-read.js';
import { handleOf, hasHandle, type SocketHandle, writeNow } from './direct-write.js';
import {
  type FrameHandlers,
  type FrameLimits,
  FrameReader,
  MESSAGE_TOO_BIG,
  type MessageForm,
  NO_CODE,
} from './frame-reader.js';
import { inflateMessage } from './inflate-message.js';
import { PROBE_BYTES, probeFrame, withProbe } from './probe-frame.js';
import { closeFrame, OPCODE, serverFrame } from './server-frame.js';
import { turn } from './turn.js';
import type { WebSocketWire } from './ws-wires.js';

/** How long a peer may take to answer a close frame. */
const CLOSE_TIMEOUT_MS = 3_000;
/** Pings of a client that has so much unread are not answered. */
const MAX_BYTES_BEFORE_PONG = 65_536;

/** What all links of a transport share that agreed on the same. */
export interface WebSocketSurroundings {
  readonly clock: Clock;
  readonly frameLimits: FrameLimits;
}

const LINK = Symbol('link');
interface LinkedSocket extends Duplex {
  [LINK]?: WebSocketLink;
}

export class WebSocketLink implements Link, FrameHandlers {
  readonly wire: WebSocketWire;
  readonly remoteAddress: string;
  readonly #socket: LinkedSocket;
  /** Undefined where everything goes through the stream. */
  readonly #handle: SocketHandle | undefined;
  /** The socket's for as long as it has that handle. */
  readonly #descriptor: number;
  readonly #surroundings: WebSocketSurroundings;
  readonly #reader = new FrameReader();
  #events: LinkEvents | undefined;
  #state: 'open' | 'closing' | 'closed' = 'open';
  /** In which it was written to last. */
  #turn = 0;
  /** Whether something may wait in the stream, to which only this link writes, once the handshake is answered. */
  #mayWait = true;
  /** While closing. */
  #deadline: Timer | undefined;

  /** @param remoteAddress the person's */
  constructor(socket: Duplex, wire: WebSocketWire, remoteAddress: string, surroundings: WebSocketSurroundings) {
    this.#socket = socket;
    this.#handle = handleOf(socket);
    this.#descriptor = this.#handle?.fd ?? -1;
    this.wire = wire;
    this.remoteAddress = remoteAddress;
    this.#surroundings = surroundings;
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  prefetch(): number {
    return this.#ownsDescriptor() && !this.#mayWait ? this.#turn : this.#socket.writableLength;
  }

  /** Reads, and reports to the events, from now on. @param head what came behind the handshake */
  connect(events: LinkEvents, head: Uint8Array): void {
    this.#events = events;
    const socket = this.#socket;
    socket[LINK] = this;
    readPast(socket, push);
    // Has the stream flow, and takes what comes by it all the same.
    socket.on('data', onData);
    socket.on('end', onEnd);
    socket.on('error', onError);
    socket.on('close', onClose);
    if (head.length > 0) this.#read(head);
  }

  write(chunk: Uint8Array, probe?: number): void {
    if (this.#state !== 'open') return;
    const both = probe === undefined ? chunk : withProbe(chunk, probe);
    this.#put(both ?? chunk);
    if (both === undefined && probe !== undefined) this.#put(probeFrame(probe));
  }

  probe(number: number): void {
    this.write(probeFrame(number));
  }

  close(code: number, reason: string): void {
    if (this.#state === 'open') this.#beginClosing(closeFrame(code, reason));
  }

  // ── what the client's frames say ────────────────────────────────────────────────────────────

  onMessage(payload: Uint8Array, { isBinary, isCompressed }: MessageForm): void {
    if (this.#state !== 'open') return;
    if (isBinary !== this.wire.isBinary) this.#events?.malformed(isBinary ? 'a binary frame' : 'a text frame');
    else if (isCompressed) this.#inflate(payload);
    else this.#events?.received(payload);
  }

  onPing(payload: Uint8Array): void {
    if (this.bufferedBytes <= MAX_BYTES_BEFORE_PONG) this.write(serverFrame(payload, OPCODE.pong));
    this.#events?.heard();
  }

  onPong(payload: Uint8Array): void {
    if (payload.length === PROBE_BYTES)
      this.#events?.confirmed(new DataView(payload.buffer, payload.byteOffset).getUint32(0));
    else this.#events?.heard();
  }

  onClose(code: number): void {
    if (this.#state === 'open') this.#beginClosing(closeFrame(code === NO_CODE ? undefined : code));
    this.#socket.end();
  }

  // ── the socket ──────────────────────────────────────────────────────────────────────────────

  /** @internal */
  received(chunk: Uint8Array): void {
    this.#read(chunk);
  }

  /** @internal The client ended its side. */
  ended(): void {
    if (this.#state === 'open') this.#beginClosing(undefined);
    this.#socket.end();
  }

  /** @internal */
  closed(): void {
    this.#state = 'closed';
    this.#deadline?.cancel();
    this.#events?.closed();
  }

  #put(bytes: Uint8Array): void {
    let taken = 0;
    if (this.#turn !== turn.number) {
      this.#turn = turn.begin();
      if (this.#mayWait) this.#mayWait = this.#socket.writableLength > 0;
      // What waits must not be overtaken.
      if (!this.#mayWait && this.#ownsDescriptor()) taken = writeNow(this.#descriptor, bytes);
      if (taken === bytes.length) return;
    } else if (this.#socket.writableCorked === 0) {
      this.#socket.cork();
      turn.uncorkLater(this.#socket);
    }
    this.#mayWait = true;
    this.#socket.write(taken === 0 ? bytes : bytes.subarray(taken));
  }

  #ownsDescriptor(): boolean {
    return this.#handle !== undefined && hasHandle(this.#socket, this.#handle);
  }

  #read(chunk: Uint8Array): void {
    const violation = this.#reader.read(chunk, this.#surroundings.frameLimits, this);
    if (!violation) return;
    if (violation.code === MESSAGE_TOO_BIG) this.#events?.oversized();
    this.close(violation.code, violation.why);
    // An answer to the close frame would not be found: the end of the client's side has to do. What still comes is read and
    // dropped, since a socket that is closed with something unread takes back what was sent.
    this.#socket.end();
  }

  #inflate(payload: Uint8Array): void {
    const message = inflateMessage(payload, this.#surroundings.frameLimits.maxMessageBytes);
    if (message === 'oversized') this.#events?.oversized();
    else if (message === 'corrupt') this.#events?.malformed('compressed data that is none');
    else this.#events?.received(message);
  }

  #beginClosing(frame: Uint8Array | undefined): void {
    if (frame) this.write(frame);
    this.#state = 'closing';
    this.#deadline = this.#surroundings.clock.after(CLOSE_TIMEOUT_MS, () => this.#socket.destroy(), {
      background: true,
    });
  }
}

// Shared by all links.

function onData(this: LinkedSocket, chunk: Buffer): void {
  this[LINK]?.received(chunk);
}

const push = pushTo(onData);

function onEnd(this: LinkedSocket): void {
  this[LINK]?.ended();
}

function onClose(this: LinkedSocket): void {
  this[LINK]?.closed();
}

/** `close` follows; what went wrong is the network's business. */
function onError(): void {}
