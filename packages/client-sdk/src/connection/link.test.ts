import { once } from 'node:events';
import { jsonServerCodec, type ServerMessage } from '@im/protocol';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createClient } from '../index.js';

let server: WebSocketServer;

afterEach(async () => {
  for (const socket of server.clients) socket.terminate();
  await new Promise((resolve) => server.close(resolve));
});

async function listen(): Promise<string> {
  server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return `ws://127.0.0.1:${port}`;
}

describe('over a real socket of `ws`', () => {
  it('[PR-1] offers the subprotocol im.json.v1, says hello and is welcome', async () => {
    const url = await listen();
    server.on('connection', (socket) => {
      socket.on('message', (data: Buffer) => {
        const [hello] = jsonServerCodec.decode(data, 64);
        if (hello?.type !== 'hello') return;
        const welcome: ServerMessage<never> = {
          type: 'welcome',
          id: hello.id,
          session: 's',
          user: hello.token,
          heartbeatMs: 25_000,
          resumed: false,
          ticket: 't',
          groups: [],
          left: [],
          limits: {
            frameBytes: 1,
            messagesPerFrame: 1,
            pendingCalls: 1,
            commandsPerSecond: 1,
            groups: 1,
            callTimeoutMs: 1,
          },
          time: 1,
        };
        socket.send(JSON.stringify(welcome));
      });
    });
    const connected = once(server, 'connection');
    const client = createClient({ url, token: 'ann', WebSocket });
    client.connect();
    const [socket] = (await connected) as [WebSocket];
    await vi.waitFor(() => expect(client.state).toMatchObject({ status: 'connected', user: 'ann' }));
    expect(socket.protocol).toBe('im.json.v1');
    client.close();
    await once(socket, 'close');
  });

  it('closes while the transport is still opening, and nothing is thrown', async () => {
    const url = await listen();
    const client = createClient({ url, token: 'ann', WebSocket });
    const opening = new Promise<void>((resolve) => {
      client.on('state', () => setImmediate(resolve));
    });
    client.connect();
    await opening;
    client.close();
    expect(client.state).toEqual({ status: 'closed', code: 0, reason: '' });
  });
});
