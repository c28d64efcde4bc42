import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OPCODE, serverFrame } from './server-frame.js';

/** What a client reads from these bytes, by RFC 6455 section 5.2. */
function read(bytes: Uint8Array): { data: Buffer; isBinary: boolean }[] {
  const messages: { data: Buffer; isBinary: boolean }[] = [];
  let rest = Buffer.from(bytes);
  while (rest.length > 0) {
    const [first = 0, second = 0] = rest;
    expect(first & 0xf0, 'final, nothing reserved').toBe(0x80);
    expect(second & 0x80, 'not masked').toBe(0);
    const long = second === 127 ? 8 : second === 126 ? 2 : 0;
    const length = long === 0 ? second : long === 2 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
    expect(length, 'as short as it can be').toBeGreaterThanOrEqual(long === 0 ? 0 : long === 2 ? 126 : 65_536);
    messages.push({ data: rest.subarray(2 + long, 2 + long + length), isBinary: (first & 0xf) === 2 });
    rest = rest.subarray(2 + long + length);
  }
  return messages;
}

describe('serverFrame', () => {
  it.each([0, 1, 125, 126, 127, 65_535, 65_536, 70_000])(
    'frames %i bytes so that a client reads them',
    async (length) => {
      const payload = Buffer.alloc(length, 'x');
      expect(read(serverFrame(payload, OPCODE.text))).toEqual([{ data: payload, isBinary: false }]);
    },
  );

  it('frames any payload, text or binary, one behind the other', () => {
    const payloads = fc.array(fc.record({ text: fc.string(), binary: fc.boolean() }), { maxLength: 5 });
    fc.assert(
      fc.property(payloads, (list) => {
        const frames = list.map(({ text, binary }) =>
          serverFrame(Buffer.from(text), binary ? OPCODE.binary : OPCODE.text),
        );
        const messages = read(Buffer.concat(frames));
        expect(messages.map(({ data, isBinary }) => ({ text: data.toString(), binary: isBinary }))).toEqual(
          list.map(({ text, binary }) => ({ text: Buffer.from(text).toString(), binary })),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('keeps no hold of the payload', () => {
    const payload = Buffer.from('hello');
    const frame = serverFrame(payload, OPCODE.text);
    payload.fill(0);
    expect(Buffer.from(frame).subarray(2).toString()).toBe('hello');
  });
});
