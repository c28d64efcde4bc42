/** A gateway behind a real server, and those who talk to it over real sockets: what tests of a transport start from. */
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { systemClock } from '@im/protocol/clock';
import type { AttachOptions } from '../transport/ws/ws-transport.js';
import { effects, type FixtureOptions, GatewayFixture } from './gateway-fixture.js';
import { WebSocketClient } from './web-socket-client.js';

interface ServedOptions {
  /** Default: one without pages. */
  readonly server?: Server;
  /** Default: every page may connect. */
  readonly attach?: Partial<AttachOptions>;
  /** Of the gateway; time is real if nothing else is said. */
  readonly gateway?: FixtureOptions;
}

/** Bytes as they are. */
export interface RawSocket {
  readonly socket: Socket;
  /** What has come so far. */
  received(): Buffer;
  /** All that came. */
  readonly ended: Promise<string>;
}

export class ServedGateway {
  readonly fixture: GatewayFixture;
  readonly server: Server;
  /** Where those connect who do so from now on. */
  port = 0;
  readonly #clients: WebSocketClient[] = [];
  readonly #sockets: Socket[] = [];

  private constructor(fixture: GatewayFixture, server: Server) {
    this.fixture = fixture;
    this.server = server;
  }

  static async start({ server = createServer(), attach, gateway }: ServedOptions = {}): Promise<ServedGateway> {
    const fixture = await new GatewayFixture({ clock: systemClock, ...gateway }).serve();
    fixture.gateway.attach(server, { origins: 'any', ...attach });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const served = new ServedGateway(fixture, server);
    served.port = (server.address() as AddressInfo).port;
    return served;
  }

  client(options: ConstructorParameters<typeof WebSocketClient>[1] = {}, path = '/im'): WebSocketClient {
    const client = new WebSocketClient(`ws://127.0.0.1:${this.port}${path}`, options);
    this.#clients.push(client);
    return client;
  }

  /** @param hello what it says beside who it is */
  async signedIn(user = 'ann', options = {}, hello = {}): Promise<WebSocketClient> {
    const client = await this.client(options).opened();
    client.say({ ...helloOf(user), ...hello });
    await client.until('welcome');
    return client;
  }

  /** One that is signed in and has joined the group, by its call 2. */
  async member(group: string, ...who: Parameters<ServedGateway['signedIn']>): Promise<WebSocketClient> {
    const client = await this.signedIn(...who);
    client.say({ type: 'call', id: 2, ...effects({ type: 'join', group }) });
    await client.answerTo(2);
    return client;
  }

  raw(): RawSocket {
    const socket = connect(this.port, '127.0.0.1');
    this.#sockets.push(socket);
    let bytes = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
    });
    socket.on('error', () => {});
    const ended = new Promise<string>((resolve) => socket.once('close', () => resolve(bytes.toString('latin1'))));
    return { socket, received: () => bytes, ended };
  }

  /** Everybody is gone, and so is the server. */
  async close(): Promise<void> {
    await this.fixture.close();
    for (const socket of this.#sockets) socket.destroy();
    for (const { webSocket } of this.#clients) webSocket.terminate();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

export function helloOf(user = 'ann'): object {
  return { type: 'hello', id: 1, token: `user:${user}`, device: 'd1', platform: 'web' };
}

/** @param headers further ones, each with its line end */
export function handshake(headers = ''): string {
  return (
    `GET /im HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${headers}` +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
  );
}
