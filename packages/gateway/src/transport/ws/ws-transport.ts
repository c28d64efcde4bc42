/**
 * WebSocket connections of an HTTP server that belongs to somebody else: takes the upgrades of one path, checks origin and
 * subprotocol, makes links. Must not know messages.
 */
import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { BlockList, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ImError } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import { WebSocket, WebSocketServer, type Server as WebSockets } from 'ws';
import type { TurnQueue } from '../../connection/turn-queue.js';
import type { Link, LinkEvents } from '../../link.js';
import { Arrivals } from '../arrivals.js';
import { clientAddress, proxyList, proxyMistakes } from './client-address.js';
import { takeDeflateOffer } from './deflate-offer.js';
import { WebSocketLink, type WebSocketSurroundings } from './ws-link.js';
import { chooseSubprotocol, type WebSocketWires } from './ws-wires.js';

/** A message in crumbs costs more to read than its bytes. */
const MAX_FRAGMENTS = 1_024;
/** How long another listener may take to answer an upgrade of a path that is not the gateway's. */
const UNANSWERED_TIMEOUT_MS = 10_000;

/** Of pages, also of those that apps and extensions bring with them (`capacitor://localhost`); `null` is what a file has. */
const ORIGIN = /^(null|[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+)$/i;

export interface AttachOptions {
  /** Path of the WebSocket, without a query; begins with a slash. Default `/im`. */
  readonly path?: string;
  /**
   * Pages that may connect, as browsers name them (`https://example.org`); others get 403. `'any'`: every page. Programs that
   * are no browsers send no origin and are let in: tokens decide.
   */
  readonly origins: readonly string[] | 'any';
  /** Addresses and CIDR ranges of proxies whose X-Forwarded-For is believed. Default: none. */
  readonly trustedProxies?: readonly string[];
  /**
   * Compresses what many viewers share, once for all who offer permessage-deflate, and reads what they compress. Connections
   * take no memory for it, and it takes at most a tenth of the time. Default true.
   */
  readonly compression?: boolean;
}

export interface TransportOwner {
  readonly clock: Clock;
  readonly maxFrameBytes: number;
  readonly wires: WebSocketWires;
  /** Where connections of the server wait to be read. */
  readonly handshakes: TurnQueue;
  /** The server accepted a connection, whatever it is going to be. */
  arrived(): void;
  accept(link: Link): LinkEvents;
}

/** `ws` shakes hands; what it makes of a connection is dropped at once, since a link reads and writes the socket itself. */
class Handshake extends WebSocket {
  setSocket(): void {}
}

export class WebSocketTransport {
  readonly #server: Server;
  readonly #path: string;
  readonly #origins: ReadonlySet<string> | 'any';
  readonly #trustedProxies: BlockList;
  readonly #owner: TransportOwner;
  readonly #webSockets: WebSockets<typeof Handshake>;
  readonly #arrivals: Arrivals;
  readonly #compression: boolean;
  readonly #surroundings: WebSocketSurroundings;
  /** Of connections that agreed on compression. */
  readonly #compressing: WebSocketSurroundings;
  #refusing = false;

  /** @throws ImError CONFIG_INVALID naming every mistake */
  constructor(server: Server, options: AttachOptions, owner: TransportOwner) {
    const mistakes = attachMistakes(options);
    if (mistakes.length > 0)
      throw new ImError('CONFIG_INVALID', { message: mistakes.join('; '), details: { mistakes } });
    this.#server = server;
    this.#path = options.path ?? '/im';
    this.#origins = options.origins === 'any' ? 'any' : new Set(options.origins.map((origin) => origin.toLowerCase()));
    this.#trustedProxies = proxyList(options.trustedProxies ?? []);
    this.#owner = owner;
    this.#compression = options.compression ?? true;
    const frameLimits = { maxMessageBytes: owner.maxFrameBytes, maxFragments: MAX_FRAGMENTS };
    this.#surroundings = { clock: owner.clock, frameLimits };
    this.#compressing = { clock: owner.clock, frameLimits: { ...frameLimits, mayCompress: true } };
    this.#webSockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      // Agreed on here.
      perMessageDeflate: false,
      WebSocket: Handshake,
      handleProtocols: (offered) => chooseSubprotocol(offered) ?? false,
    });
    this.#webSockets.on('headers', (headers, request) => {
      const extensions = this.#extensionsFor(request);
      if (extensions !== undefined) headers.push(`Sec-WebSocket-Extensions: ${extensions}`);
    });
    this.#arrivals = new Arrivals(server, { clock: owner.clock, queue: owner.handshakes, arrived: owner.arrived });
    server.on('upgrade', this.#onUpgrade);
  }

  /** Whether it takes no new connections. */
  setRefusing(refusing: boolean): void {
    this.#refusing = refusing;
  }

  /** Lets go of the server. */
  detach(): void {
    this.#arrivals.letGo();
    this.#server.off('upgrade', this.#onUpgrade);
    this.#webSockets.close();
  }

  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    this.#arrivals.heard(socket);
    if (pathOf(request) !== this.#path) {
      this.#leaveToOthers(request, socket);
      return;
    }
    const status = this.#objection(request);
    if (status !== undefined) {
      refuseUpgrade(socket, status);
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, ({ protocol }) => {
      this.#connect(protocol, request, socket, head);
    });
  };

  /** Somebody else's, if there is anybody else; nobody's, if nothing was written to it in time. */
  #leaveToOthers({ socket: { bytesWritten } }: IncomingMessage, socket: Duplex): void {
    if (this.#server.listenerCount('upgrade') === 1) {
      refuseUpgrade(socket, 404);
      return;
    }
    // Node has let go of it: until somebody takes it, its errors are nobody's and would end the process.
    const ignore = (): void => {};
    socket.on('error', ignore);
    const timer = this.#owner.clock.after(
      UNANSWERED_TIMEOUT_MS,
      () => {
        socket.off('close', cancel);
        socket.off('error', ignore);
        if ((socket as Socket).bytesWritten === bytesWritten) refuseUpgrade(socket, 404);
      },
      { background: true },
    );
    const cancel = (): void => timer.cancel();
    socket.once('close', cancel);
  }

  #objection({ headers }: IncomingMessage): number | undefined {
    if (this.#refusing) return 503;
    const { origin } = headers;
    if (origin !== undefined && this.#origins !== 'any' && !this.#origins.has(origin.toLowerCase())) return 403;
    const offered = headers['sec-websocket-protocol'];
    if (offered === undefined) return undefined;
    return chooseSubprotocol(offered.split(',').map((each) => each.trim())) === undefined ? 400 : undefined;
  }

  /** The `Sec-WebSocket-Extensions` of the answer. */
  #extensionsFor({ headers }: IncomingMessage): string | undefined {
    return this.#compression ? takeDeflateOffer(headers['sec-websocket-extensions']) : undefined;
  }

  #connect(protocol: string, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const compressed = this.#extensionsFor(request) !== undefined;
    const wire = this.#owner.wires.get(protocol, compressed);
    const forwardedFor = request.headers['x-forwarded-for']?.toString();
    const address = clientAddress(request.socket.remoteAddress, forwardedFor, this.#trustedProxies);
    const surroundings = compressed ? this.#compressing : this.#surroundings;
    const link = new WebSocketLink(socket, wire, address, surroundings);
    (socket as Socket).setTimeout(0);
    (socket as Socket).setNoDelay(true);
    link.connect(this.#owner.accept(link), head);
  }
}

function attachMistakes({ path = '/im', origins, trustedProxies = [] }: AttachOptions): string[] {
  const mistakes: string[] = [];
  if (!/^\/[^?#\s]*$/.test(path)) mistakes.push(`path: ${JSON.stringify(path)} is no path without a query`);
  for (const origin of origins === 'any' ? [] : origins) {
    if (!ORIGIN.test(origin))
      mistakes.push(`origins: ${JSON.stringify(origin)} is no origin such as https://example.org`);
  }
  return [...mistakes, ...proxyMistakes(trustedProxies)];
}

function pathOf({ url = '' }: IncomingMessage): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}

function refuseUpgrade(socket: Duplex, status: number): void {
  socket.on('error', () => {});
  const body = STATUS_CODES[status] ?? '';
  socket.end(
    `HTTP/1.1 ${status} ${body}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
