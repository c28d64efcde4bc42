import { jsonServerCodec, type ServerCodec } from '@im/protocol';
import { describe, expect, it } from 'vitest';
import { createWire } from './wire.js';

const bytes = (text: string): Uint8Array => Buffer.from(text);

describe('createWire', () => {
  it('reads a heartbeat without its codec and without making anything, and whatever else with it [PR-111]', () => {
    const read: string[] = [];
    const codec: ServerCodec = {
      ...jsonServerCodec,
      decode: (frame, maxMessages) => {
        read.push(Buffer.from(frame).toString());
        return jsonServerCodec.decode(frame, maxMessages);
      },
    };
    const wire = createWire(codec, (payload) => payload);
    const first = wire.decode(bytes('{"type":"ping"}'), 64);
    expect(first).toEqual([{ type: 'ping' }]);
    for (let i = 0; i < 1_000; i++) expect(wire.decode(bytes('{"type":"ping"}'), 64)).toBe(first);
    expect(read).toEqual([]);
    const others = ['{"type":"pong"}', '{"type":"ping"}\n', '{"type":"ping","positions":{}}', '{"type": "ping"}'];
    for (const other of others) expect(wire.decode(bytes(other), 64)).toMatchObject([{ type: expect.any(String) }]);
    expect(read).toEqual(others);
  });

  it('has one ping and one pong for all connections', () => {
    const wire = createWire(jsonServerCodec, (payload) => payload);
    expect(Buffer.from(wire.ping).toString()).toBe('{"type":"ping"}');
    expect(Buffer.from(wire.pong).toString()).toBe('{"type":"pong"}');
  });
});
