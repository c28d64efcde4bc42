/** One client of a gateway behind a real server, without TLS and with it, and the socket that the server has of it. */
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { ServedGateway } from './served-gateway.js';
import { answering, asking } from './shared-key.js';
import { WebSocketClient } from './web-socket-client.js';

export interface OneConnection {
  readonly served: ServedGateway;
  /** Has not said hello. */
  readonly client: WebSocketClient;
  readonly socket: Socket;
  close(): Promise<void>;
}

export async function openOne(scheme: 'ws' | 'wss'): Promise<OneConnection> {
  const isSecure = scheme === 'wss';
  const server = isSecure ? createHttpsServer(answering) : createHttpServer();
  const accepted = new Promise<Socket>((resolve) => server.once(isSecure ? 'secureConnection' : 'connection', resolve));
  const served = await ServedGateway.start({ server });
  const client = new WebSocketClient(`${scheme}://127.0.0.1:${served.port}/im`, asking as object);
  await client.opened();
  const close = (): Promise<void> => {
    client.webSocket.terminate();
    return served.close();
  };
  return { served, client, socket: await accepted, close };
}
