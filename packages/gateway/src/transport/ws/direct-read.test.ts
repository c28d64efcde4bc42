// Reading past the stream, on real sockets and on streams that are none: what goes there, and that nothing is lost or overtaken.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { jsonServerCodec } from '@im/protocol';
import { FakeClock } from '@im/protocol/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LinkEvents } from '../../link.js';
import { openOne } from '../../testing/one-connection.js';
import { helloOf } from '../../testing/served-gateway.js';
import { createWire } from '../../wire.js';
import { WebSocketLink } from './ws-link.js';

const wire = { ...createWire(jsonServerCodec, (payload) => payload), isBinary: false };
const frameLimits = { maxMessageBytes: 65_536, maxFragments: 1_024 };
/** A client's text frame whose mask is zero. */
const frame = (text: string): Buffer =>
  Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);

function connected(socket: Duplex) {
  const received: string[] = [];
  const closed = vi.fn();
  const events: Partial<LinkEvents> = { received: (bytes) => void received.push(`${Buffer.from(bytes)}`), closed };
  const streamed = vi.fn();
  socket.on('data', streamed);
  const link = new WebSocketLink(socket, wire, '192.0.2.1', { clock: new FakeClock(), frameLimits });
  link.connect(events as LinkEvents, Buffer.alloc(0));
  return { received, closed, streamed, link };
}

describe('a link', () => {
  let listener: Server;
  let peer: Socket;
  let socket: Socket;
  beforeEach(async () => {
    // As sockets are after an HTTP upgrade: nothing ends them but the link.
    listener = createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    peer = connect((listener.address() as AddressInfo).port, '127.0.0.1');
    peer.on('error', () => {});
    socket = await new Promise((resolve) => listener.once('connection', resolve));
  });
  afterEach(async () => {
    peer.destroy();
    socket.destroy();
    await new Promise((resolve) => listener.close(resolve));
  });

  it('reads chunks past the stream of its socket, which has nothing to do for them', async () => {
    const { received, streamed } = connected(socket);
    const texts = Array.from({ length: 20 }, (_, index) => `${index}`);
    for (const text of texts) {
      const bytes = frame(text);
      await new Promise((resolve) => peer.write(bytes.subarray(0, 4), resolve));
      await new Promise((resolve) => peer.write(bytes.subarray(4), resolve));
      await expect.poll(() => received.at(-1)).toBe(text);
    }
    expect(received).toEqual(texts);
    expect(streamed).not.toHaveBeenCalled();
    expect(socket.readableLength).toBe(0);
  });

  it('overtakes nothing that waits in the stream', async () => {
    const [before, after] = [frame('before'), frame('after')];
    socket.pause();
    socket.unshift(before);
    const { received } = connected(socket);
    peer.write(after);
    await expect.poll(() => socket.bytesRead).toBe(after.length);
    socket.resume();
    await expect.poll(() => received).toEqual(['before', 'after']);
  });

  it('hears that the client has ended, behind what it sent last', async () => {
    const { received, closed } = connected(socket);
    peer.end(frame('last'));
    await expect.poll(() => closed.mock.calls.length).toBe(1);
    expect(received).toEqual(['last']);
  });
});

describe('reading past the stream', () => {
  class AskedSocket extends Socket {
    readonly #left = ['one', 'two', 'three'].map(frame);
    override _read(): void {
      this.push(this.#left.shift() ?? null);
    }
  }
  class AskedStream extends Duplex {
    readonly #left = ['one', 'two', 'three'].map(frame);
    override _read(): void {
      this.push(this.#left.shift() ?? null);
    }
  }
  it.each([AskedSocket, AskedStream])(
    'is not done with a stream that waits to be asked for each chunk: $name',
    async (Asked) => {
      const { received, streamed } = connected(new Asked());
      await expect.poll(() => received).toEqual(['one', 'two', 'three']);
      expect(streamed).toHaveBeenCalledTimes(3);
    },
  );

  it.each(['ws', 'wss'] as const)('is done after the handshake of %s until the client ends', async (scheme) => {
    const { client, socket, close } = await openOne(scheme);
    try {
      const streamed = vi.fn();
      socket.on('data', streamed);
      client.say(helloOf());
      await client.until('welcome');
      expect(streamed).not.toHaveBeenCalled();
      const closed = once(socket, 'close');
      client.webSocket.terminate();
      await closed;
    } finally {
      await close();
    }
  });
});
