import { constants, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inflateMessage } from './inflate-message.js';

const LIMIT = 65_536;
const deflate = (message: Uint8Array): Buffer =>
  deflateRawSync(message, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);

describe('inflateMessage', () => {
  it('gives any message as it was, ended by a flush or by a last block', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5_000 }), fc.nat(20), (bytes, times) => {
        const message = Buffer.concat(Array(times).fill(bytes));
        for (const payload of [deflate(message), deflateRawSync(message)]) {
          const inflated = inflateMessage(payload, 200_000);
          expect(Buffer.from(inflated as Uint8Array).equals(message)).toBe(true);
        }
      }),
    );
  });

  it('takes a message of the limit, and stops at one byte more, however much more there would be', () => {
    expect(inflateMessage(deflate(Buffer.alloc(LIMIT)), LIMIT)).toHaveLength(LIMIT);
    expect(inflateMessage(deflate(Buffer.alloc(LIMIT + 1)), LIMIT)).toBe('oversized');
    const bomb = deflate(Buffer.alloc(60_000_000));
    expect(bomb.length).toBeLessThan(LIMIT);
    const before = process.memoryUsage().arrayBuffers;
    expect(inflateMessage(bomb, LIMIT)).toBe('oversized');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10 * LIMIT);
  });

  it('any bytes are a message, or corrupt', () => {
    expect(inflateMessage(Buffer.from([0xff, 0xff, 0xff]), LIMIT)).toBe('corrupt');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const result = inflateMessage(bytes, LIMIT);
        expect(result instanceof Uint8Array || result === 'corrupt').toBe(true);
      }),
    );
  });

  it('keeps little alive for a short message', () => {
    const inflated = inflateMessage(deflate(Buffer.from('{"type":"ping"}')), LIMIT) as Uint8Array;
    expect(inflated.buffer.byteLength).toBeLessThanOrEqual(Buffer.poolSize);
  });
});
