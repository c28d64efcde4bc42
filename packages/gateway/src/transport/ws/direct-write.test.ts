// Writing past the stream, on real sockets: what goes there, what does not, and that nobody else's descriptor is ever written to.
import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { jsonServerCodec } from '@im/protocol';
import { FakeClock } from '@im/protocol/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { effects } from '../../testing/gateway-fixture.js';
import { openOne } from '../../testing/one-connection.js';
import { helloOf } from '../../testing/served-gateway.js';
import { createWire } from '../../wire.js';
import { handleOf, writeNow } from './direct-write.js';
import { WebSocketLink } from './ws-link.js';

const wire = { ...createWire(jsonServerCodec, (payload) => payload), isBinary: false };
const frameLimits = { maxMessageBytes: 65_536, maxFragments: 1_024 };
const linkOf = (socket: Socket): WebSocketLink =>
  new WebSocketLink(socket, wire, '192.0.2.1', { clock: new FakeClock(), frameLimits });
const nextTurn = (): Promise<void> => new Promise(setImmediate);

describe.each(['TCP', 'Unix'])('over a %s socket a link', (kind) => {
  let folder: string;
  let listener: Server;
  let peer: Socket;
  let socket: Socket;
  let streamed: { mock: { calls: unknown[] } };
  let received: Buffer[];
  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'im-direct-write-'));
    listener = createServer();
    await new Promise<void>((resolve) => {
      if (kind === 'TCP') listener.listen(0, '127.0.0.1', resolve);
      else listener.listen(path.join(folder, 'socket'), resolve);
    });
    const where =
      kind === 'TCP' ? { port: (listener.address() as AddressInfo).port } : { path: `${listener.address()}` };
    peer = connect({ ...where, allowHalfOpen: true });
    received = [];
    peer.on('data', (chunk) => received.push(chunk));
    peer.on('error', () => {});
    socket = await new Promise((resolve) => listener.once('connection', resolve));
    socket.on('error', () => {});
    streamed = vi.spyOn(socket, 'write');
  });
  afterEach(async () => {
    peer.destroy();
    socket.destroy();
    await new Promise((resolve) => listener.close(resolve));
    rmSync(folder, { recursive: true });
  });

  it('writes the first chunk of each turn past the stream', async () => {
    const link = linkOf(socket);
    for (let i = 0; i < 10; i++) {
      link.write(Buffer.from(`${i}`));
      await nextTurn();
    }
    expect(streamed).not.toHaveBeenCalled();
    expect(link.bufferedBytes).toBe(0);
    link.write(Buffer.from('a'));
    link.write(Buffer.from('b'));
    expect(streamed).toHaveBeenCalledTimes(1);
    await expect.poll(() => `${Buffer.concat(received)}`).toBe('0123456789ab');
  });

  it('overtakes nothing that was written to the stream before', async () => {
    socket.cork();
    socket.write('101 Switching Protocols');
    const link = linkOf(socket);
    link.write(Buffer.from(' and then'));
    await nextTurn();
    link.write(Buffer.from(' more'));
    expect(link.bufferedBytes).toBe(37);
    socket.uncork();
    await expect.poll(() => `${Buffer.concat(received)}`).toBe('101 Switching Protocols and then more');
  });

  it('overtakes nothing that it has written to the stream itself', async () => {
    const link = linkOf(socket);
    link.write(Buffer.from('a'));
    await nextTurn();
    socket.cork();
    for (const text of ['b', 'c']) link.write(Buffer.from(text));
    await nextTurn();
    link.write(Buffer.from('d'));
    expect(link.bufferedBytes).toBe(2);
    socket.uncork();
    await expect.poll(() => `${Buffer.concat(received)}`).toBe('abcd');
  });

  it('has everything arrive whole and in order at a peer that reads now and then, past the stream and through it', async () => {
    const link = linkOf(socket);
    const sent: Buffer[] = [];
    for (let round = 0; round < 5; round++) {
      peer.pause();
      const calls = streamed.mock.calls.length;
      while (link.bufferedBytes < 200_000) {
        const chunk = randomBytes(50_000);
        sent.push(chunk);
        link.write(chunk);
        await nextTurn();
      }
      expect(streamed.mock.calls.length).toBeGreaterThan(calls);
      peer.resume();
      await expect.poll(() => link.bufferedBytes).toBe(0);
      const before = streamed.mock.calls.length;
      const chunk = Buffer.from(`round ${round}`);
      sent.push(chunk);
      link.write(chunk);
      expect(streamed.mock.calls.length).toBe(before);
      await nextTurn();
    }
    const all = Buffer.concat(sent);
    await expect.poll(() => received.reduce((sum, { length }) => sum + length, 0)).toBe(all.length);
    expect(Buffer.concat(received).equals(all)).toBe(true);
  });

  it('never writes to whoever has the descriptor of its socket once that is destroyed', async () => {
    const link = linkOf(socket);
    link.write(Buffer.from('before'));
    await nextTurn();
    const descriptor = handleOf(socket)?.fd ?? -1;
    socket.destroy();
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
    }
  });

  it('leaves a descriptor that fails to the stream, which tells what is wrong', async () => {
    const link = linkOf(socket);
    const closed = vi.fn();
    link.connect({ closed } as never, Buffer.alloc(0));
    await new Promise<void>((resolve) => socket.end(resolve));
    link.write(Buffer.from('behind the end'));
    expect(streamed).toHaveBeenCalledTimes(1);
    await vi.waitFor(() => expect(closed).toHaveBeenCalledTimes(1));
  });

  it('has no handle to write by once the socket is closed', () => {
    expect(handleOf(socket)?.fd).toBeGreaterThan(2);
    socket.destroy();
    expect(handleOf(socket)).toBeUndefined();
  });
});

describe('the way past the stream', () => {
  it('is not there in a stream that is no socket, nor without a descriptor', () => {
    expect(handleOf(new PassThrough())).toBeUndefined();
    expect(writeNow(2 ** 30, Buffer.from('nowhere'))).toBe(0);
  });

  it.each([
    { scheme: 'ws', isThere: true },
    { scheme: 'wss', isThere: false },
  ] as const)('is there after the handshake of $scheme: $isThere', async ({ scheme, isThere }) => {
    const { served, client, socket, close } = await openOne(scheme);
    try {
      client.say(helloOf(), { type: 'call', id: 2, ...effects({ type: 'join', group: 'r:1' }) });
      await client.answerTo(2);
      const streamed = vi.spyOn(socket, 'write');
      await served.fixture.chat('r:1', 'hello');
      await client.until('push');
      expect(handleOf(socket) !== undefined).toBe(isThere);
      expect(streamed).toHaveBeenCalledTimes(isThere ? 0 : 1);
    } finally {
      await close();
    }
  });
});
