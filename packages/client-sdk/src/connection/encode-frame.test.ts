import { type ClientMessage, jsonClientCodec } from '@im/protocol';
import { msgpackClientCodec } from '@im/protocol/msgpack';
import { describe, expect, it } from 'vitest';
import { encodeFrame } from './encode-frame.js';

const call = (data: unknown): ClientMessage<unknown> => ({ type: 'call', id: 1, method: 'a.b', data });

describe.each([
  ['json', jsonClientCodec],
  ['msgpack', msgpackClientCodec],
])('a frame in %s', (_, codec) => {
  it('[PR-13] may have as many bytes as the gateway takes, whatever the characters, and none more', () => {
    const message = call('安'.repeat(100));
    const frame = encodeFrame(codec, message, undefined);
    const { length } = Buffer.from(frame);
    expect(length).toBeGreaterThan(300);
    expect(encodeFrame(codec, message, length)).toEqual(frame);
    expect(() => encodeFrame(codec, message, length - 1)).toThrow(expect.objectContaining({ name: 'FRAME_TOO_LARGE' }));
  });

  it('is refused before it is sent when its data is no JSON', () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    for (const data of [1n, cycle]) {
      expect(() => encodeFrame(codec, call(data), undefined)).toThrow(
        expect.objectContaining({ name: 'INVALID_ARGUMENT' }),
      );
    }
  });
});
