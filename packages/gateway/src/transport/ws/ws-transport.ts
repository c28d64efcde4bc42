/**
 * WebSocket connections of an HTTP server that belongs to somebody else: takes the upgrades of one path, checks origin and
 * subprotocol, makes links. Must not know messages.
 */
import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { BlockList, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ImError, jsonServerCodec } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import { WebSocket, WebSocketServer, type Server as WebSockets } from 'ws';
import type { Link, LinkEvents } from '../../link.js';
import { createWire, type Wire } from '../../wire.js';
import { clientAddress, proxyList, proxyMistakes } from './client-address.js';
import { OPCODE, serverFrame } from './server-frame.js';
import { WebSocketLink, type WebSocketSurroundings } from './ws-link.js';

/** A message in crumbs costs more to read than its bytes. */
const MAX_FRAGMENTS = 1_024;
/** How long another listener may take to answer an upgrade of a path that is not the gateway's. */
const UNANSWERED_TIMEOUT_MS = 10_000;

/** By subprotocol. */
const WIRES: ReadonlyMap<string, Wire> = new Map([
  [jsonServerCodec.subprotocol, createWire(jsonServerCodec, (payload) => serverFrame(payload, OPCODE.text))],
]);
/** Of pages, also of those that apps and extensions bring with them (`capacitor://localhost`); `null` is what a file has. */
const ORIGIN = /^(null|[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+)$/i;
const DEFAULT_SUBPROTOCOL = jsonServerCodec.subprotocol;

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
}

export interface TransportOwner {
  readonly clock: Clock;
  readonly maxFrameBytes: number;
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
  readonly #surroundings: WebSocketSurroundings;
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
    this.#surroundings = {
      clock: owner.clock,
      frameLimits: { maxMessageBytes: owner.maxFrameBytes, maxFragments: MAX_FRAGMENTS },
    };
    this.#webSockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      WebSocket: Handshake,
      handleProtocols: (offered) => [...offered].find((each) => WIRES.has(each)) ?? false,
    });
    server.on('upgrade', this.#onUpgrade);
  }

  /** Takes no new connections. */
  refuse(): void {
    this.#refusing = true;
  }

  /** Lets go of the server. */
  detach(): void {
    this.#server.off('upgrade', this.#onUpgrade);
    this.#webSockets.close();
  }

  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
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
    const acceptable = offered === undefined || offered.split(',').some((each) => WIRES.has(each.trim()));
    return acceptable ? undefined : 400;
  }

  #connect(
    protocol: string,
    { headers, socket: { remoteAddress } }: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): void {
    const wire = WIRES.get(protocol || DEFAULT_SUBPROTOCOL) as Wire;
    const forwardedFor = headers['x-forwarded-for'];
    const address = clientAddress(remoteAddress, String(forwardedFor ?? ''), this.#trustedProxies);
    const link = new WebSocketLink(socket, wire, address, this.#surroundings);
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
