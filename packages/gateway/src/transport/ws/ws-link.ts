/**
 * One WebSocket connection as a {@link Link}. Messages are complete frames, made once for all viewers, and are written
 * straight to the socket; `ws` reads, and writes control frames only.
 *
 * Both writers share the socket safely: without extensions `ws` writes each of its frames whole within one turn, so frames
 * follow one another; and nothing is written here once `ws` has begun to close.
 */
import type { Duplex } from 'node:stream';
import { type RawData, WebSocket } from 'ws';
import type { Link, LinkEvents } from '../../link.js';
import type { Wire } from '../../wire.js';

/** Close codes of RFC 6455 that `ws` gives by itself. */
const INVALID_TEXT = 1007;
const MESSAGE_TOO_BIG = 1009;

/** `ws`, but what it refuses for its size or its text is closed as docs/protocol.md says (PR-10, PR-13). */
export class ProtocolWebSocket extends WebSocket {
  /** Set when the link is made, before anything is read. */
  events: LinkEvents | undefined;

  override close(code?: number, reason?: string | Buffer): void {
    if (code === MESSAGE_TOO_BIG && this.events) this.events.oversized();
    else if (code === INVALID_TEXT && this.events) this.events.malformed('text is not UTF-8');
    else super.close(code, reason);
  }
}

export class WebSocketLink implements Link {
  readonly #socket: Duplex;
  readonly #webSocket: ProtocolWebSocket;
  #corked = false;

  constructor(
    webSocket: ProtocolWebSocket,
    socket: Duplex,
    readonly wire: Wire,
    readonly remoteAddress: string,
  ) {
    this.#webSocket = webSocket;
    this.#socket = socket;
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  /** Reports to the events from now on. */
  connect(events: LinkEvents): void {
    const webSocket = this.#webSocket;
    webSocket.events = events;
    webSocket.on('message', onMessage);
    webSocket.on('ping', onTraffic);
    webSocket.on('pong', onTraffic);
    webSocket.on('close', onClose);
    webSocket.on('error', onError);
    this.#socket.on('drain', () => events.drained());
  }

  write(chunk: Uint8Array): void {
    if (this.#webSocket.readyState !== WebSocket.OPEN || !this.#socket.writable) return;
    // What is written in one turn goes out in one system call.
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(uncork, this);
    }
    this.#socket.write(chunk);
  }

  close(code: number, reason: string): void {
    this.#webSocket.close(code, reason);
  }

  /** @internal */
  uncork(): void {
    this.#corked = false;
    this.#socket.uncork();
  }
}

// Shared by all links: a connection costs no functions of its own.

function onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
  const { events } = this as ProtocolWebSocket;
  if (isBinary) events?.malformed('a binary frame');
  else events?.received(data as Buffer);
}

function onTraffic(this: WebSocket): void {
  (this as ProtocolWebSocket).events?.heard();
}

function onClose(this: WebSocket): void {
  (this as ProtocolWebSocket).events?.closed();
}

/** `close` follows; what went wrong is in the close code, or the network's business. */
function onError(): void {}

function uncork(link: WebSocketLink): void {
  link.uncork();
}
