import { ImError } from '@im/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFrame, encodeFrame } from './relay-frame.js';

const bodies = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 5 });

describe('a head with bodies', () => {
  it('comes out as it went in, wherever in a larger buffer it lies', () => {
    fc.assert(
      fc.property(fc.jsonValue(), bodies, fc.nat(20), (head, all, offset) => {
        const frame = encodeFrame(head, all);
        const buffer = new Uint8Array(offset + frame.byteLength);
        buffer.set(frame, offset);
        const decoded = decodeFrame(buffer.subarray(offset));
        expect(decoded.head).toEqual(JSON.parse(JSON.stringify(head)));
        for (const body of all) expect(decoded.next(body.byteLength)).toEqual(body);
        expect(() => decoded.next(1)).toThrow(ImError);
      }),
    );
  });

  it('is refused as INVALID_INPUT or understood, whatever bytes come', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(60), (bytes, length) => {
        try {
          decodeFrame(bytes).next(length);
        } catch (error) {
          expect(error).toMatchObject({ name: 'INVALID_INPUT' });
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
