import { describe, expect, it } from 'vitest';
import { ImError } from '../im-error.js';
import { DEFAULT_LIMITS } from '../limits.js';
import { describeAnyMessages } from '../testing/describe-any-messages.js';
import { msgpackClientCodec } from './client-codec.js';
import { msgpackServerCodec } from './server-codec.js';

describeAnyMessages({
  server: msgpackServerCodec,
  client: msgpackClientCodec,
  join: (messages) => Buffer.concat(messages),
  received: (frame) => [frame, Uint8Array.from(frame).buffer],
  proven: { fromClient: '[PR-129] [PR-131]', fromGateway: '[PR-129] [PR-131]' },
});

describe('the gateway', () => {
  const decode = (...bytes: (number | Uint8Array)[]) =>
    msgpackServerCodec.decode(Buffer.concat(bytes.map((each) => Uint8Array.from([each].flat() as number[]))), 64);
  const frameBytes = DEFAULT_LIMITS.frameBytes;

  it.each([
    ['a list of four billion', [0x81, 0x01, 0xdd, 0xff, 0xff, 0xff, 0xff]],
    ['a map of four billion', [0xdf, 0xff, 0xff, 0xff, 0xff]],
    ['a text of four billion', [0x81, 0x01, 0xdb, 0xff, 0xff, 0xff, 0xff]],
    ['bytes of four billion', [0x81, 0x01, 0xc6, 0xff, 0xff, 0xff, 0xff]],
    ['an extension of four billion', [0x81, 0x01, 0xc9, 0xff, 0xff, 0xff, 0xff, 0x01]],
  ])('[PR-131] refuses %s that is only claimed', (_, bytes) => {
    expect(() => decode(Uint8Array.from(bytes))).toThrow(ImError);
  });

  it('[PR-131] makes no more of a frame than a small multiple of its size, and does not recurse without end', () => {
    // Each list claims all that is left; were room made for what is claimed, this would be gigabytes.
    const nested = new Uint8Array(frameBytes).fill(0x01);
    for (let at = 2; at + 3 <= frameBytes; at += 3) {
      const left = Math.floor((frameBytes - at - 3) / 2);
      nested.set([0xdc, left >> 8, left & 0xff], at);
    }
    nested.set([0x81, 0x01], 0);
    const deep = new Uint8Array(frameBytes).fill(0x91);
    deep.set([0x81, 0x01], 0);
    const before = process.memoryUsage();
    for (const frame of [nested, deep]) expect(() => msgpackServerCodec.decode(frame, 64)).toThrow(/deep/);
    const after = process.memoryUsage();
    expect(after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(50 * frameBytes);
  });

  it('[PR-14] takes no more messages in a frame than the limit', () => {
    const ping = msgpackClientCodec.encode({ type: 'ping' });
    expect(msgpackServerCodec.decode(Buffer.concat(Array(3).fill(ping)), 3)).toHaveLength(3);
    expect(() => msgpackServerCodec.decode(Buffer.concat(Array(4).fill(ping)), 3)).toThrow(/more than 3 messages/);
  });

  it('[PR-131] gives data as a view into the frame, not a copy', () => {
    const frame = msgpackClientCodec.encode({ type: 'call', id: 1, method: 'a.b', data: [1] });
    const [command] = msgpackServerCodec.decode(frame, 1);
    expect(command?.type === 'call' && command.data?.buffer).toBe(frame.buffer);
  });

  it('leaves out details of an error that are no JSON, and sends the rest', () => {
    const body = { type: 'error', id: 1, code: 1000, name: 'X', message: 'm', retryable: false } as const;
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    for (const details of [cycle, { big: 1n }]) {
      expect(msgpackClientCodec.decode(msgpackServerCodec.encode({ ...body, details }))).toEqual([body]);
    }
  });

  it('[PR-131] writes text that is no Unicode with the sign for it', () => {
    const push = { type: 'push', group: 'r:1', event: 'e' } as const;
    const long = 'x'.repeat(40);
    for (const prefix of ['', long]) {
      const frame = msgpackServerCodec.encode({ ...push, id: `${prefix}\ud800` });
      expect(msgpackClientCodec.decode(frame)).toEqual([{ ...push, id: `${prefix}\ufffd` }]);
    }
  });

  it('[PR-131] writes it so in every message, in lists and names too, and leaves whole pairs alone', () => {
    const error = { type: 'error', id: 1, code: 1000, name: 'X', message: 'a\ud800b 😀', retryable: false } as const;
    const left = { type: 'left', group: 'r:1', code: 1000, reason: '\udc00' } as const;
    const pong = { type: 'pong', list: ['\ud83d'], names: { 'r:\ud83d': '\ude00\ud83d' } };
    const frames = [error, left, pong].map((message) => msgpackServerCodec.encode(message as never));
    expect(frames.flatMap((frame) => msgpackClientCodec.decode(frame))).toEqual([
      { ...error, message: 'a\ufffdb 😀' },
      { ...left, reason: '\ufffd' },
      { type: 'pong', list: ['\ufffd'], names: { 'r:\ufffd': '\ufffd\ufffd' } },
    ]);
  });
});

describe('a client', () => {
  it('[PR-131] writes text that is no Unicode with the sign for it', () => {
    const hello = { type: 'hello', id: 1, token: 't', device: 'd', platform: 'web' } as const;
    const frame = msgpackClientCodec.encode({ ...hello, client: 'app \ud83d' });
    expect(msgpackServerCodec.decode(frame, 1)).toEqual([{ ...hello, client: 'app \ufffd' }]);
  });

  it('[PR-7] lives with kinds and members of later gateways', () => {
    const later = [{ type: 'weather', sun: 1 }, { type: 'toString' }, { type: 'pong', sun: { 99: [1] } }];
    const frame = Buffer.concat(later.map((message) => msgpackServerCodec.encode(message as never)));
    expect(msgpackClientCodec.decode(frame)).toEqual([{ type: 'pong', sun: { 99: [1] } }]);
  });

  it('refuses what it cannot read with MALFORMED alone: text, values that are no maps, data that is no JSON', () => {
    const frames: unknown[] = [
      '{"type":"ping"}',
      Uint8Array.of(0x01),
      Uint8Array.of(0xc0),
      Uint8Array.of(0x81, 0x05, 0xa1, 0x7b),
    ];
    for (const frame of frames) {
      const decode = () => msgpackClientCodec.decode(frame as Uint8Array);
      expect(decode).toThrow(expect.objectContaining({ name: 'MALFORMED', code: 100 }));
    }
  });
});
