import { createRequire } from 'node:module';
import type { Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FrameLimits, FrameReader, type FrameViolation, NO_CODE } from './frame-reader.js';

const LIMITS: FrameLimits = { maxMessageBytes: 100_000, maxFragments: 64 };
const CONTINUATION = 0x0;
const TEXT = 0x1;
const BINARY = 0x2;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;

interface FrameOptions {
  readonly final?: boolean;
  readonly mask?: number;
  readonly reserved?: number;
  /** What the header says, where it lies. */
  readonly length?: bigint;
}

/** A client's frame, by RFC 6455 section 5.2. */
function frame(opcode: number, payload: Uint8Array, options: FrameOptions = {}): Buffer {
  const { final = true, mask = 0x1a2b3c4d, reserved = 0, length = BigInt(payload.length) } = options;
  const short = length < 126n ? Number(length) : length < 65_536n ? 126 : 127;
  const header = Buffer.alloc(2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + 4);
  header[0] = (final ? 0x80 : 0) | reserved | opcode;
  header[1] = 0x80 | short;
  if (short === 126) header.writeUInt16BE(Number(length), 2);
  if (short === 127) header.writeBigUInt64BE(length, 2);
  header.writeUInt32BE(mask, header.length - 4);
  const key = header.subarray(-4);
  return Buffer.concat([header, Buffer.from(payload.map((byte, i) => byte ^ (key[i % 4] as number)))]);
}
const text = (words: string): Buffer => Buffer.from(words);
const closing = (code: number, reason = ''): Buffer => {
  const payload = Buffer.alloc(2 + reason.length, reason, 'latin1');
  payload.writeUInt16BE(code);
  payload.write(reason, 2, 'latin1');
  return payload;
};

/** What was read, and how it ended. */
interface Seen {
  readonly events: string[];
  violation: FrameViolation | undefined;
}

function readAll(chunks: readonly Uint8Array[], limits = LIMITS): Seen {
  const reader = new FrameReader();
  const seen: Seen = { events: [], violation: undefined };
  const note = (kind: string) => (payload: Uint8Array) =>
    void seen.events.push(`${kind} ${Buffer.from(payload).toString('base64')}`);
  for (const chunk of chunks) {
    const violation = reader.read(Buffer.from(chunk), limits, {
      onMessage: (payload, { isBinary, isCompressed }) =>
        note(`${isCompressed ? 'compressed ' : ''}${isBinary ? 'binary' : 'text'}`)(payload),
      onPing: note('ping'),
      onPong: note('pong'),
      onClose: (code) => void seen.events.push(`close ${code}`),
    });
    seen.violation ??= violation;
  }
  return seen;
}

/** The same read by `ws`. */
function readByWs(chunks: readonly Uint8Array[], { maxMessageBytes, maxFragments }: FrameLimits): string[] {
  const { Receiver } = createRequire(import.meta.url)('ws') as {
    Receiver: new (options: object) => Writable;
  };
  const options = { isServer: true, maxPayload: maxMessageBytes, maxFragments, skipUTF8Validation: true };
  const receiver = new Receiver(options);
  const events: string[] = [];
  receiver.on('message', (payload: Buffer, isBinary: boolean) => {
    events.push(`${isBinary ? 'binary' : 'text'} ${payload.toString('base64')}`);
  });
  receiver.on('ping', (payload: Buffer) => events.push(`ping ${payload.toString('base64')}`));
  receiver.on('pong', (payload: Buffer) => events.push(`pong ${payload.toString('base64')}`));
  receiver.on('conclude', (code: number) => events.push(`close ${code}`));
  receiver.on('error', () => {});
  for (const chunk of chunks) if (receiver.writable) receiver.write(Buffer.from(chunk));
  if (receiver.errored) events.push('violation');
  receiver.destroy();
  return events;
}

/** Cuts bytes at these places, given as shares of the whole. */
function cut(bytes: Uint8Array, shares: readonly number[]): Uint8Array[] {
  const places = [...new Set(shares.map((share) => Math.floor(share * bytes.length)))].sort((a, b) => a - b);
  return [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length));
}
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });
const mask = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffffffff }));

describe('FrameReader', () => {
  it('reads messages in any number of fragments, with control frames between them, however the bytes are cut', () => {
    const sizes = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.constantFrom(125, 126, 127, 65_535, 65_536, 70_000));
    const piece = fc.record({ size: sizes, mask, between: fc.constantFrom('', 'ping', 'pong') });
    const message = fc.record({ isBinary: fc.boolean(), pieces: fc.array(piece, { minLength: 1, maxLength: 4 }) });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 5 }), cuts, (messages, shares) => {
        const frames: Buffer[] = [];
        const expected: string[] = [];
        for (const [m, { isBinary, pieces }] of messages.entries()) {
          const parts: Buffer[] = [];
          for (const [p, { size, mask: key, between }] of pieces.entries()) {
            const payload = Buffer.alloc(size, `${m}.${p} `);
            const opcode = p > 0 ? CONTINUATION : isBinary ? BINARY : TEXT;
            parts.push(payload);
            frames.push(frame(opcode, payload, { final: p === pieces.length - 1, mask: key }));
            if (between === '' || p === pieces.length - 1) continue;
            frames.push(frame(between === 'ping' ? PING : PONG, text(between), { mask: key }));
            expected.push(`${between} ${text(between).toString('base64')}`);
          }
          expected.push(`${isBinary ? 'binary' : 'text'} ${Buffer.concat(parts).toString('base64')}`);
        }
        const limits = { ...LIMITS, maxMessageBytes: 300_000 };
        expect(readAll(cut(Buffer.concat(frames), shares), limits)).toEqual({ events: expected, violation: undefined });
      }),
      { numRuns: 200 },
    );
  });

  it('reads whatever bytes come as `ws` reads them', () => {
    const header = fc.tuple(
      fc.constantFrom(0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x88, 0x89, 0x8a, 0x83, 0xc1, 0x09),
      fc.constantFrom(0x80, 0x81, 0x82, 0x85, 0xfd, 0xfe, 0xff, 0x05),
    );
    const wellFormed = fc
      .record({
        opcode: fc.constantFrom(CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG),
        payload: fc.oneof(fc.uint8Array({ maxLength: 150 }), fc.constantFrom(closing(1000, 'bye'), closing(1006))),
        final: fc.boolean(),
        mask,
      })
      .map(({ opcode, payload, ...options }) => frame(opcode, payload, options));
    const bytes = fc
      .array(fc.oneof(wellFormed, header.map(Buffer.from), fc.uint8Array({ maxLength: 20 }).map(Buffer.from)), {
        maxLength: 12,
      })
      .map((parts) => Buffer.concat(parts));
    const limits: FrameLimits = { maxMessageBytes: 300, maxFragments: 4 };
    fc.assert(
      fc.property(bytes, cuts, (whole, shares) => {
        const chunks = cut(whole, shares);
        const { events, violation } = readAll(chunks, limits);
        expect(violation ? [...events, 'violation'] : events).toEqual(readByWs(chunks, limits));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each<[string, Buffer[], number]>([
    ['a frame that is not masked', [Buffer.from([0x81, 0x02, 0x7b, 0x7d])], 1002],
    ['the first reserved bit', [frame(TEXT, text('{}'), { reserved: 0x40 })], 1002],
    ['the other reserved bits', [frame(TEXT, text('{}'), { reserved: 0x30 })], 1002],
    ['a data frame of unknown kind', [frame(0x3, text('{}'))], 1002],
    ['a control frame of unknown kind', [frame(0xb, text(''))], 1002],
    ['a control frame in fragments', [frame(PING, text(''), { final: false })], 1002],
    ['a control frame that is too long', [frame(PING, Buffer.alloc(126))], 1002],
    ['a fragment that continues nothing', [frame(CONTINUATION, text('x'))], 1002],
    ['a message within another', [frame(TEXT, text('a'), { final: false }), frame(TEXT, text('b'))], 1002],
    ['half a close code', [frame(CLOSE, Buffer.from([3]))], 1002],
    ['a close code that nobody may send', [frame(CLOSE, closing(1006))], 1002],
    ['a close code of no range', [frame(CLOSE, closing(2_999))], 1002],
    ['a message above the limit', [frame(TEXT, Buffer.alloc(100_001))], 1009],
    ['a length beyond all numbers', [frame(TEXT, text(''), { length: 2n ** 64n - 1n })], 1009],
    [
      'fragments that are above the limit together',
      [frame(TEXT, Buffer.alloc(60_000), { final: false }), frame(CONTINUATION, Buffer.alloc(40_001))],
      1009,
    ],
    [
      'more fragments than the limit',
      [frame(TEXT, text(''), { final: false }), ...Array(64).fill(frame(CONTINUATION, text(''), { final: false }))],
      1008,
    ],
  ])('reads nothing more after %s', (_what, frames, code) => {
    const chunks = [frame(TEXT, text('before')), ...frames, frame(TEXT, text('after'))];
    const before = `text ${text('before').toString('base64')}`;
    for (const bytes of [[Buffer.concat(chunks)], chunks, cut(Buffer.concat(chunks), [0.3, 0.6])]) {
      expect(readAll(bytes)).toMatchObject({ events: [before], violation: { code } });
    }
  });

  it('[PR-19] reads compressed messages where that was agreed on, whole and in fragments, and plain ones between them', () => {
    const limits = { ...LIMITS, mayCompress: true };
    const reserved = 0x40;
    const frames = [
      frame(TEXT, text('one'), { reserved }),
      frame(BINARY, text('two'), { reserved }),
      frame(TEXT, text('plain')),
      frame(TEXT, text('th'), { reserved, final: false }),
      frame(PING, text('')),
      frame(CONTINUATION, text('ree')),
    ];
    const base64 = (words: string) => text(words).toString('base64');
    expect(readAll(cut(Buffer.concat(frames), [0.2, 0.5, 0.7]), limits)).toEqual({
      events: [
        `compressed text ${base64('one')}`,
        `compressed binary ${base64('two')}`,
        `text ${base64('plain')}`,
        'ping ',
        `compressed text ${base64('three')}`,
      ],
      violation: undefined,
    });
    const begun = frame(TEXT, text(''), { final: false, reserved });
    for (const broken of [
      [frame(PING, text(''), { reserved })],
      [begun, frame(CONTINUATION, text(''), { reserved })],
      [frame(TEXT, text(''), { reserved: 0x60 })],
    ]) {
      expect(readAll(broken, limits)).toMatchObject({ events: [], violation: { code: 1002 } });
    }
  });

  it('refuses a message that is too large by its header, before it comes', () => {
    const { violation } = readAll([frame(TEXT, text(''), { length: 100_001n })]);
    expect(violation).toMatchObject({ code: 1009 });
  });

  it('hands on the code of a close frame, and reads nothing behind it', () => {
    const behind = frame(TEXT, text('after'));
    expect(readAll([frame(CLOSE, closing(4_000, 'bye')), behind]).events).toEqual(['close 4000']);
    expect(readAll([Buffer.concat([frame(CLOSE, text('')), behind])]).events).toEqual([`close ${NO_CODE}`]);
  });

  it('keeps at most twice what came of a message that is announced and trickles', () => {
    const before = process.memoryUsage().arrayBuffers;
    const readers = Array.from({ length: 200 }, () => new FrameReader());
    const handlers = { onMessage() {}, onPing() {}, onPong() {}, onClose() {} };
    const begun = frame(TEXT, Buffer.alloc(1_000), { length: 100_000n });
    for (const reader of readers) for (const byte of begun) reader.read(Uint8Array.of(byte), LIMITS, handlers);
    const kept = process.memoryUsage().arrayBuffers - before;
    // 1,008 bytes came of each; announced were 100,000.
    expect(kept / readers.length).toBeLessThan(10_000);
  });
});
