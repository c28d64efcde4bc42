// Writing past the stream, on real sockets: what goes there, what does not, and that nobody else's descriptor is ever written to.
import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { jsonServerCodec } from '@im/protocol';
import { FakeClock } from '@im/protocol/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { effects } from '../../testing/gateway-fixture.js';
import { helloOf, ServedGateway } from '../../testing/served-gateway.js';
import { WebSocketClient } from '../../testing/web-socket-client.js';
import { createWire } from '../../wire.js';
import { descriptorOf, NO_DESCRIPTOR, writeNow } from './direct-write.js';
import { WebSocketLink } from './ws-link.js';

const wire = { ...createWire(jsonServerCodec, (payload) => payload), isBinary: false };
const frameLimits = { maxMessageBytes: 65_536, maxFragments: 1_024 };
const linkOf = (socket: Socket): WebSocketLink =>
  new WebSocketLink(socket, wire, '192.0.2.1', { clock: new FakeClock(), frameLimits });
const nextTurn = (): Promise<void> => new Promise(setImmediate);

describe('what is written to a TCP socket', () => {
  let listener: Server;
  let peer: Socket;
  let socket: Socket;
  beforeEach(async () => {
    listener = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => listener.once('listening', resolve));
    peer = connect((listener.address() as AddressInfo).port, '127.0.0.1');
    socket = await new Promise((resolve) => listener.once('connection', resolve));
    socket.on('error', () => {});
    peer.on('error', () => {});
  });
  afterEach(async () => {
    peer.destroy();
    socket.destroy();
    await new Promise((resolve) => listener.close(resolve));
  });

  const readAll = async (bytes: number): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    let length = 0;
    await new Promise<void>((resolve) => {
      peer.on('data', (chunk) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length >= bytes) resolve();
      });
    });
    return Buffer.concat(chunks);
  };

  it('goes past the stream, the first chunk of each turn', async () => {
    const link = linkOf(socket);
    const streamed = vi.spyOn(socket, 'write');
    for (let i = 0; i < 10; i++) {
      link.write(Buffer.from(`${i}`));
      await nextTurn();
    }
    expect(streamed).not.toHaveBeenCalled();
    expect(link.bufferedBytes).toBe(0);
    link.write(Buffer.from('a'));
    link.write(Buffer.from('b'));
    expect(streamed).toHaveBeenCalledTimes(1);
    expect(`${await readAll(12)}`).toBe('0123456789ab');
  });

  it('waits behind what was written to the stream before', async () => {
    socket.cork();
    socket.write('101 Switching Protocols');
    const link = linkOf(socket);
    link.write(Buffer.from(' and then'));
    await nextTurn();
    link.write(Buffer.from(' more'));
    expect(link.bufferedBytes).toBe(37);
    socket.uncork();
    expect(`${await readAll(37)}`).toBe('101 Switching Protocols and then more');
  });

  it('arrives whole and in order through kernels that are full, and goes past the stream again afterwards', async () => {
    const link = linkOf(socket);
    const sent = Array.from({ length: 200 }, () => randomBytes(1 + Math.floor(Math.random() * 131_072)));
    for (const chunk of sent) {
      link.write(chunk);
      await nextTurn();
    }
    expect(link.bufferedBytes).toBeGreaterThan(1_000_000);
    const all = Buffer.concat(sent);
    expect((await readAll(all.length)).equals(all)).toBe(true);
    await expect.poll(() => link.bufferedBytes).toBe(0);
    const streamed = vi.spyOn(socket, 'write');
    link.write(Buffer.from('on'));
    expect(streamed).not.toHaveBeenCalled();
  });

  it('never reaches whoever has the descriptor of a socket that was destroyed', async () => {
    const link = linkOf(socket);
    link.write(Buffer.from('before'));
    await nextTurn();
    const descriptor = descriptorOf(socket);
    socket.destroy();
    const folder = mkdtempSync(path.join(tmpdir(), 'im-direct-write-'));
    const opened: number[] = [];
    try {
      // The lowest number that is free is given first.
      while (!opened.includes(descriptor) && opened.length < 1_000)
        opened.push(openSync(path.join(folder, `${opened.length}`), 'w'));
      expect(opened).toContain(descriptor);
      link.write(Buffer.from('after'));
      await nextTurn();
      link.write(Buffer.from('later'));
      expect(fstatSync(descriptor).size).toBe(0);
      expect(writeNow(descriptor, Buffer.from('proof that it would have been seen'))).toBe(34);
      expect(fstatSync(descriptor).size).toBe(34);
    } finally {
      for (const each of opened) closeSync(each);
      rmSync(folder, { recursive: true });
    }
  });

  it('is left to the stream, which tells what is wrong, once the peer is gone', async () => {
    const link = linkOf(socket);
    const closed = vi.fn();
    link.connect({ closed } as never, Buffer.alloc(0));
    peer.resetAndDestroy();
    await vi.waitFor(() => {
      link.write(Buffer.alloc(1_000));
      expect(closed).toHaveBeenCalledTimes(1);
    });
    expect(writeNow(2 ** 30, Buffer.from('nowhere'))).toBe(0);
  });

  it('has no place of its own in a stream that is no socket, nor in one that is closed', () => {
    expect(descriptorOf(new PassThrough())).toBe(NO_DESCRIPTOR);
    expect(descriptorOf(socket)).toBeGreaterThan(2);
    socket.destroy();
    expect(descriptorOf(socket)).toBe(NO_DESCRIPTOR);
  });
});

it('is encrypted where the server speaks TLS', async () => {
  const psk = randomBytes(16);
  const tls = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const;
  const server = createHttpsServer({ ...tls, pskCallback: () => psk });
  const sockets: Socket[] = [];
  server.on('secureConnection', (socket: Socket) => sockets.push(socket));
  const served = await ServedGateway.start({ server });
  const secure = { ...tls, pskCallback: () => ({ psk, identity: 'i' }), checkServerIdentity: () => undefined };
  const client = await new WebSocketClient(`wss://127.0.0.1:${served.port}/im`, secure as object).opened();
  client.say(helloOf(), { type: 'call', id: 2, ...effects({ type: 'join', group: 'r:1' }) });
  await client.answerTo(2);
  await served.fixture.chat('r:1', 'hello');
  await client.until('push');
  expect(sockets.map((socket) => descriptorOf(socket))).toEqual([NO_DESCRIPTOR]);
  client.webSocket.terminate();
  await served.close();
});
