import { Duplex } from 'node:stream';
import { jsonServerCodec } from '@im/protocol';
import { FakeClock } from '@im/protocol/testing';
import { describe, expect, it } from 'vitest';
import type { LinkEvents } from '../../link.js';
import { createWire } from '../../wire.js';
import { WebSocketLink } from './ws-link.js';

const wire = { ...createWire(jsonServerCodec, (payload) => payload), isBinary: false };
const frameLimits = { maxMessageBytes: 65_536, maxFragments: 1_024 };
/** A client's frame whose mask is zero. */
const frame = (opcode: number, payload: string | Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]), Buffer.from(payload)]);

function setUp(write: (chunk: Buffer, taken: () => void) => void = (_chunk, taken) => taken()) {
  const written: Buffer[] = [];
  const seen: string[] = [];
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, taken) {
      written.push(chunk);
      write(chunk, taken);
    },
  });
  const note = (what: string) => (detail?: unknown) =>
    void seen.push(
      detail === undefined ? what : `${what} ${detail instanceof Uint8Array ? Buffer.from(detail) : detail}`,
    );
  const events: LinkEvents = {
    received: note('received'),
    heard: note('heard'),
    malformed: note('malformed'),
    oversized: note('oversized'),
    confirmed: note('confirmed'),
    closed: note('closed'),
  };
  const clock = new FakeClock();
  const link = new WebSocketLink(socket, wire, '192.0.2.1', { clock, frameLimits });
  return { socket, link, events, clock, written, seen };
}
const settled = (): Promise<void> => new Promise(setImmediate);

describe('WebSocketLink', () => {
  it('reads what came behind the handshake, then what follows', async () => {
    const { socket, link, events, seen } = setUp();
    link.connect(events, Buffer.concat([frame(1, 'one'), frame(1, 'two').subarray(0, 3)]));
    socket.push(frame(1, 'two').subarray(3));
    await settled();
    expect(seen).toEqual(['received one', 'received two']);
  });

  it('writes the first chunk of a turn at once, and those behind it together when the turn ends', async () => {
    const calls: string[] = [];
    const socket = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, taken) {
        calls.push(`${chunk}`);
        taken();
      },
      writev(chunks, taken) {
        calls.push(chunks.map(({ chunk }) => `${chunk}`).join('+'));
        taken();
      },
    });
    const link = new WebSocketLink(socket, wire, '192.0.2.1', { clock: new FakeClock(), frameLimits });
    for (const text of ['1', '2', '3']) link.write(Buffer.from(text));
    expect(calls).toEqual(['1']);
    await settled();
    expect(calls).toEqual(['1', '2+3']);
    link.write(Buffer.from('4'));
    expect(calls).toEqual(['1', '2+3', '4']);
    await settled();
    expect(socket.writableCorked).toBe(0);
  });

  it('holds back something for few sockets at once, so that slices of a turn know what they cost', async () => {
    const calls: number[] = [];
    const links = Array.from({ length: 100 }, (_, index) => {
      const write = (_chunk: Buffer, _encoding: string, taken: () => void) => {
        calls.push(index);
        taken();
      };
      const socket = new Duplex({ read() {}, write });
      return new WebSocketLink(socket, wire, '192.0.2.1', { clock: new FakeClock(), frameLimits });
    });
    for (const link of links) link.write(Buffer.from('1'));
    calls.length = 0;
    for (const link of links) link.write(Buffer.from('2'));
    expect(calls.length).toBeGreaterThanOrEqual(50);
    await settled();
    expect(new Set(calls).size).toBe(100);
  });

  it('asks for confirmation in one piece with the chunk before it, the same bytes for all, unless that is large', async () => {
    const [one, two] = [setUp(), setUp()];
    const chunk = Buffer.from('chunk');
    const ping = Buffer.from([0x89, 4, 0, 0, 0, 7]);
    one.link.write(chunk, 7);
    two.link.write(chunk, 7);
    expect(one.written).toEqual([Buffer.concat([chunk, ping])]);
    expect(two.written[0]).toBe(one.written[0]);
    const large = setUp();
    large.link.write(Buffer.alloc(100_000), 7);
    await settled();
    expect(large.written.map(({ length }) => length)).toEqual([100_000, 6]);
    large.link.probe(7);
    expect(one.written[0]?.subarray(5)).toEqual(ping);
  });

  it('answers pings while the client reads, and keeps no heap of answers for one that does not', async () => {
    const { link, events, seen } = setUp(() => {});
    link.connect(events, Buffer.alloc(0));
    for (let i = 0; i < 2_000; i++) link.onPing(new Uint8Array(125));
    expect(link.bufferedBytes).toBeLessThan(66_000);
    expect(seen.length).toBe(2_000);
    const { socket, written, ...other } = setUp();
    other.link.connect(other.events, frame(9, 'hi'));
    await settled();
    expect(written).toEqual([Buffer.from([0x8a, 2, 0x68, 0x69])]);
    socket.destroy();
  });

  it('answers the close frame of a client with its code, and writes nothing behind it', async () => {
    const { socket, link, events, written, seen } = setUp();
    link.connect(events, Buffer.concat([frame(8, Uint8Array.of(0x0f, 0xa1)), frame(1, 'late')]));
    link.write(Buffer.from('late'));
    await settled();
    expect(written).toEqual([Buffer.from([0x88, 2, 0x0f, 0xa1])]);
    socket.push(null);
    await settled();
    expect(seen).toEqual(['closed']);
  });

  it('ends its side when the client ends his, and is closed once', async () => {
    const { socket, link, events, clock, seen } = setUp();
    link.connect(events, Buffer.alloc(0));
    socket.push(null);
    await settled();
    expect(seen).toEqual(['closed']);
    expect(clock.pendingTimers).toBe(0);
    link.close(4000, 'late');
    link.write(Buffer.from('late'));
    expect(socket.destroyed).toBe(true);
  });

  it('says why it closes, hears nothing more, and is cut off when nobody answers', async () => {
    const { socket, link, events, clock, written, seen } = setUp();
    link.connect(events, Buffer.alloc(0));
    link.write(Buffer.from('before'));
    link.close(4001, 'HEARTBEAT_TIMEOUT: gone');
    link.close(4000, 'again');
    socket.push(frame(1, 'ignored'));
    await settled();
    expect(Buffer.concat(written).toString('latin1')).toBe(`before\x88\x19\x0f\xa1HEARTBEAT_TIMEOUT: gone`);
    clock.advance(3_000);
    await settled();
    expect([seen, socket.destroyed, clock.pendingTimers]).toEqual([['closed'], true, 0]);
  });

  it('closes with the code of RFC 6455 what breaks it, and leaves to the gateway how a message is refused', async () => {
    const { link, events, written, seen, socket } = setUp();
    link.connect(events, Buffer.from([0x81, 0x02, 0x7b, 0x7d]));
    await settled();
    expect(Buffer.concat(written).readUInt16BE(2)).toBe(1002);
    expect([seen, socket.writableEnded]).toEqual([[], true]);
    const large = setUp();
    large.link.connect(large.events, Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0]));
    expect(large.seen).toEqual(['oversized']);
    const binary = setUp();
    binary.link.connect(binary.events, frame(2, '{}'));
    expect(binary.seen).toEqual(['malformed a binary frame']);
  });
});
