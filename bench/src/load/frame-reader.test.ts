import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientFrame, FrameReader, type FrameUse } from './frame-reader.js';

function serverFrame(payload: Buffer, opcode = 1): Buffer {
  const { length } = payload;
  const header =
    length < 126
      ? Buffer.from([0x80 | opcode, length])
      : length < 65_536
        ? Buffer.from([0x80 | opcode, 126, length >> 8, length & 0xff])
        : Buffer.concat([Buffer.from([0x80 | opcode, 127, 0, 0, 0, 0]), uint32(length)]);
  return Buffer.concat([header, payload]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function read(parts: readonly Buffer[], use: (length: number) => FrameUse) {
  const frames: number[] = [];
  const payloads: string[] = [];
  const reader = new FrameReader({
    onFrame: (_, length) => {
      frames.push(length);
      return use(length);
    },
    onPayload: (_, payload) => payloads.push(payload.toString('latin1')),
  });
  for (const part of parts) reader.read(part);
  return { frames, payloads };
}

describe('FrameReader', () => {
  it('finds the frames however the stream is cut, and keeps the payloads that it is asked for', () => {
    const lengths = fc.oneof(fc.nat(300), fc.constantFrom(0, 125, 126, 65_535, 65_536));
    fc.assert(
      fc.property(fc.array(lengths, { maxLength: 6 }), fc.array(fc.nat(), { maxLength: 12 }), (sizes, cuts) => {
        const contents = sizes.map((size, i) => String.fromCharCode(97 + i).repeat(size));
        const stream = Buffer.concat(contents.map((content) => serverFrame(Buffer.from(content))));
        const places = [...new Set(cuts.map((cut) => cut % (stream.length + 1)))].sort((a, b) => a - b);
        const parts = [0, ...places].map((from, i) => stream.subarray(from, places[i]));
        const isKept = (size: number) => size % 2 === 0;
        const { frames, payloads } = read(parts, (size) => (isKept(size) ? 'keep' : 'skip'));
        expect(frames).toEqual(sizes);
        expect(payloads).toEqual(contents.filter(({ length }) => isKept(length)));
      }),
    );
  });

  it('refuses what it does not understand', () => {
    for (const first of [0x01, 0xa1]) {
      expect(() => read([Buffer.from([first, 0])], () => 'skip')).toThrow('fragmented');
    }
    expect(() => read([Buffer.from([0x81, 0x80])], () => 'skip')).toThrow('masked');
  });
});

describe('clientFrame', () => {
  it.each([0, 125, 126, 65_535, 65_536])('masks %d bytes with zeros', (length) => {
    const payload = Buffer.alloc(length, 'x');
    const frame = clientFrame(1, payload);
    expect(frame[0]).toBe(0x81);
    expect((frame[1] as number) & 0x80).toBe(0x80);
    expect(frame.subarray(frame.length - length).equals(payload)).toBe(true);
    expect(frame.subarray(frame.length - length - 4, frame.length - length)).toEqual(Buffer.alloc(4));
  });
});
