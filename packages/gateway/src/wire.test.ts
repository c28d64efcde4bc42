import { type Delivery, jsonServerCodec, type ServerCodec } from '@im/protocol';
import { describe, expect, it } from 'vitest';
import { createWire } from './wire.js';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const like: Delivery = { group: 'p1/r:1', lane: 'normal', event: 'like', body: bytes('1'), time: 7 };

function pushes(...deliveries: Delivery[]): unknown[] {
  const payload = createWire(jsonServerCodec, (framed) => framed).pushes(deliveries);
  return Buffer.from(payload)
    .toString()
    .split('\n')
    .map((line) => JSON.parse(line));
}

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

  it('says for how many a push stands, by which key, and of what total [PR-88] [PR-89]', () => {
    expect(
      pushes(
        { ...like, conflated: 3, terms: { sender: 'ann', conflate: { mode: 'sum', key: 'k', amount: 9 } } },
        { ...like, terms: { conflate: { mode: 'sum', key: 'k', amount: 0 } } },
        { ...like, conflated: 1, terms: { conflate: { mode: 'latest', key: 'k' } } },
      ),
    ).toEqual([
      { type: 'push', group: 'r:1', event: 'like', time: 7, conflated: 3, key: 'k', sum: 9, data: 1 },
      { type: 'push', group: 'r:1', event: 'like', time: 7, key: 'k', sum: 0, data: 1 },
      { type: 'push', group: 'r:1', event: 'like', time: 7, conflated: 1, key: 'k', data: 1 },
    ]);
  });

  it('frames as shared only what is for many: neither what is for one connection nor what is for one user [PR-19]', () => {
    const mark = (byte: number) => (): Uint8Array => Uint8Array.of(byte);
    const wire = createWire(jsonServerCodec, mark(0), mark(1));
    expect(wire.pushes([like])).toEqual(Uint8Array.of(1));
    expect(wire.pushesToOne([like])).toEqual(Uint8Array.of(0));
    for (const group of ['u:ann', 'p1/u:ann']) expect(wire.pushes([{ ...like, group }])).toEqual(Uint8Array.of(0));
    expect(wire.encode({ type: 'ping' })).toEqual(Uint8Array.of(0));
  });

  it('says nothing of a message beyond what clients need: neither its sender nor that it is reserved', () => {
    expect(pushes({ ...like, terms: { sender: 'ann', reserved: true } })).toEqual([
      { type: 'push', group: 'r:1', event: 'like', time: 7, data: 1 },
    ]);
  });
});
