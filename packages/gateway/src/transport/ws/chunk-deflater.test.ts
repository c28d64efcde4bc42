import { constants, inflateRawSync } from 'node:zlib';
import type { Clock } from '@im/protocol/ports';
import { FakeClock, RecordingMetrics } from '@im/protocol/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createGatewayMetrics } from '../../gateway-metrics.js';
import { ChunkDeflater } from './chunk-deflater.js';

const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
const chat = (bytes: number) =>
  Buffer.from('{"type":"push","event":"chat"}\n'.repeat(Math.ceil(bytes / 31))).subarray(0, bytes);

function inflate(payload: Uint8Array | undefined): Buffer {
  return inflateRawSync(Buffer.concat([payload ?? Buffer.alloc(0), TAIL]), {
    finishFlush: constants.Z_SYNC_FLUSH,
  });
}

function subject(clock: Clock = new FakeClock()) {
  const metrics = new RecordingMetrics();
  return { deflater: new ChunkDeflater(clock, createGatewayMetrics(metrics).deflate), metrics };
}

describe('ChunkDeflater', () => {
  it.each([256, 2_000, 32 * 1024, 32 * 1024 + 1, 1024 * 1024])(
    '%i bytes of chat come out as they were, in far less',
    (bytes) => {
      const deflated = subject().deflater.deflate(chat(bytes));
      expect(deflated?.length).toBeLessThan(bytes / 4);
      expect(inflate(deflated).equals(chat(bytes))).toBe(true);
    },
  );

  it('leaves short chunks, very large ones, and those that do not shrink', () => {
    const { deflater } = subject();
    expect(deflater.deflate(chat(255))).toBeUndefined();
    expect(deflater.deflate(chat(1024 * 1024 + 1))).toBeUndefined();
    const noise = Uint8Array.from({ length: 1_000 }, (_, i) => (i * i * 2_654_435_761) >>> 13);
    expect(deflater.deflate(noise)).toBeUndefined();
  });

  it('is read as it was, whatever the chunk', () => {
    const { deflater } = subject();
    const chunks = fc.array(fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }), {
      minLength: 1,
      maxLength: 300,
    });
    fc.assert(
      fc.property(chunks, (texts) => {
        const chunk = Buffer.from([...texts, ...texts].join('\n'));
        const deflated = deflater.deflate(chunk);
        if (deflated === undefined) return;
        expect(deflated.length).toBeLessThan(chunk.length);
        expect(inflate(deflated).equals(chunk)).toBe(true);
      }),
    );
  });

  it('takes a tenth of the time at most, and then lets chunks go as they are, counted', () => {
    let now = 0;
    // Each look at the clock finds that half a chunk's time has gone by.
    const clock: Clock = { now: () => now, monotonic: () => (now += 10), after: () => ({ cancel() {} }) };
    const { deflater, metrics } = subject(clock);
    let deflated = 0;
    while (now < 10_000) if (deflater.deflate(chat(500))) deflated += 1;
    // 10 ms each: 100 ms to begin with, and 100 of each second.
    expect(deflated).toBeGreaterThanOrEqual(100);
    expect(deflated).toBeLessThanOrEqual(111);
    expect(metrics.value('im_gateway_deflate_skipped_total')).toBeGreaterThan(700);
  });

  it('counts bytes before and after', () => {
    const { deflater, metrics } = subject();
    const deflated = deflater.deflate(chat(5_000));
    deflater.deflate(chat(100));
    expect(metrics.value('im_gateway_deflate_input_bytes_total')).toBe(5_000);
    expect(metrics.value('im_gateway_deflate_output_bytes_total')).toBe(deflated?.length);
  });
});
