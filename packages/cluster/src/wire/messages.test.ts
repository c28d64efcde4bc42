import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { heartbeatOf, nodeOf } from '../nodes.fixture.js';
import {
  type Beat,
  decodeManagerMessage,
  encodeManagerMessage,
  MAX_NODES,
  type Published,
} from './manager-messages.js';
import { decodeMemberMessage, encodeMemberMessage, MAX_HEARTBEAT_BYTES } from './member-messages.js';

const text = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const heartbeat = heartbeatOf(nodeOf('a', { labels: { region: 'eu' }, load: 0.25 }), {
  figures: { rooms: 3 },
  epoch: 7,
});
const from = { manager: 'm1', incarnation: 'm1-1', intervalMs: 1_000 };
const published: Published = { kind: 'topology', ...from, topology: { epoch: 3, nodes: [nodeOf('a'), nodeOf('b')] } };
const beat: Beat = {
  kind: 'beat',
  ...from,
  epoch: 3,
  refused: [{ id: 'a', incarnation: 'a-2', reason: 'duplicate' }],
  orders: [
    { order: 'o-1', id: 'a', incarnation: 'a-1', windowMs: 10_000, restart: true },
    { order: 'o-2', id: 'b', incarnation: 'b-1', restart: false },
  ],
};
const { epoch: _, ...warmingBeat } = beat;

describe('messages of the cluster', () => {
  it('of members arrive as they were sent', () => {
    for (const message of [heartbeat, { kind: 'bye', id: 'a', incarnation: 'a-1' } as const]) {
      expect(decodeMemberMessage(encodeMemberMessage(message))).toEqual(message);
    }
  });

  it('of managers arrive as they were sent', () => {
    for (const message of [published, beat, warmingBeat]) {
      expect(decodeManagerMessage(encodeManagerMessage(message))).toEqual(message);
    }
  });

  it('may have fields of later versions, which are left out', () => {
    const later = { ...heartbeat, later: 1, node: { ...heartbeat.node, later: { deep: [] } } };
    expect(decodeMemberMessage(text(later))).toEqual(heartbeat);
    expect(decodeManagerMessage(text({ ...beat, later: 1 }))).toEqual(beat);
  });

  it('of managers of the first version order nothing', () => {
    const { orders: _orders, ...first } = beat;
    expect(decodeManagerMessage(text(first))).toEqual({ ...beat, orders: [] });
  });

  it('order windows of at most an hour, of a bounded number of nodes', () => {
    const ordering = (...orders: object[]): unknown => decodeManagerMessage(text({ ...beat, orders }));
    const order = { order: 'o', id: 'a', incarnation: 'a-1', restart: false };
    expect(ordering({ ...order, windowMs: 3_600_000 })).toBeDefined();
    for (const windowMs of [-1, 0.5, 3_600_001, '10', null]) expect(ordering({ ...order, windowMs })).toBeUndefined();
    expect(ordering({ ...order, restart: 1 })).toBeUndefined();
    expect(ordering(...Array.from({ length: 64 }, () => order))).toBeDefined();
    expect(ordering(...Array.from({ length: 65 }, () => order))).toBeUndefined();
  });

  it.each([
    ['nothing', ''],
    ['HTTP', 'GET / HTTP/1.1\r\n\r\n'],
    ['another kind', '{"kind":"hello"}'],
    ['null', 'null'],
    ['a list', '[]'],
    ['no text at all', Buffer.from([0xff, 0xfe, 0x00])],
    ['a node without an id', text({ ...heartbeat, node: { ...heartbeat.node, id: undefined } })],
    ['an id with a space', text({ ...heartbeat, node: { ...heartbeat.node, id: 'a b' } })],
    ['an id that is too long', text({ ...heartbeat, node: { ...heartbeat.node, id: 'a'.repeat(65) } })],
    ['an address that is no text', text({ ...heartbeat, node: { ...heartbeat.node, addresses: { ws: 1 } } })],
    ['an address named __proto__', JSON.stringify(heartbeat).replace('"ws"', '"__proto__"')],
    ['a negative weight', text({ ...heartbeat, node: { ...heartbeat.node, weight: -1 } })],
    ['an interval of 0', text({ ...heartbeat, intervalMs: 0 })],
    ['an epoch beyond all', text({ ...heartbeat, epoch: 2 ** 52 })],
    [
      'too many figures',
      text({ ...heartbeat, figures: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`f${i}`, 1])) }),
    ],
    ['too many bytes', Buffer.from(JSON.stringify(heartbeat).padEnd(MAX_HEARTBEAT_BYTES + 1))],
  ])('are foreign: %s', (_name, bytes) => {
    expect(decodeMemberMessage(Buffer.from(bytes))).toBeUndefined();
    expect(decodeManagerMessage(Buffer.from(bytes))).toBeUndefined();
  });

  it('list a bounded number of nodes', () => {
    const nodes = Array.from({ length: MAX_NODES + 1 }, (_, index) => nodeOf(`n${index}`));
    expect(decodeManagerMessage(text({ ...published, topology: { epoch: 1, nodes } }))).toBeUndefined();
    const most = text({ ...published, topology: { epoch: 1, nodes: nodes.slice(1) } });
    expect(decodeManagerMessage(most)).toMatchObject({ topology: { nodes: { length: MAX_NODES } } });
  });

  it('that managers would refuse are refused where they are made', () => {
    const tooLong = heartbeatOf(nodeOf('a', { id: 'has spaces in it' }));
    expect(() => encodeMemberMessage(tooLong)).toThrow(expect.objectContaining({ name: 'CONFIG_INVALID' }));
  });

  it('never make a decoder throw, whatever the bytes', () => {
    const valid = [heartbeat, published, beat].map(text);
    const mutated = fc
      .tuple(fc.constantFrom(...valid), fc.nat(), fc.uint8Array({ maxLength: 8 }))
      .map(([bytes, at, patch]) => {
        const copy = Buffer.from(bytes);
        copy.set(patch.subarray(0, Math.max(0, copy.length - (at % copy.length))), at % copy.length);
        return copy;
      });
    const json = fc.json().map((value) => Buffer.from(value));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated, json), (bytes) => {
        decodeMemberMessage(bytes);
        decodeManagerMessage(bytes);
      }),
      { numRuns: 500 },
    );
  });
});
