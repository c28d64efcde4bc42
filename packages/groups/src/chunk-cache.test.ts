import type { Delivery } from '@im/protocol';
import { expect, it } from 'vitest';
import { ChunkCache } from './chunk-cache.js';
import { FakeEncoding } from './testing/index.js';

const messages = Array.from(
  { length: 20 },
  (_, i): Delivery => ({ group: 'r:1', lane: 'normal', event: `e${i}`, body: new Uint8Array(1), time: 0 }),
);

it('makes a slice once an encoding, whatever is asked for in between', () => {
  const cache = new ChunkCache(messages);
  const [one, other] = [new FakeEncoding(), new FakeEncoding()];
  const first = cache.get(one, 0, 20);
  cache.get(other, 0, 20);
  cache.get(one, 3, 20);
  expect(cache.get(one, 0, 20)).toBe(first);
  expect(one.meaning(cache.get(one, 3, 20))).toEqual({ type: 'pushes', deliveries: messages.slice(3) });
  expect([one.encoded, other.encoded]).toEqual([2, 1]);
});

it('gives right slices, however many are asked for, and keeps a bounded number', () => {
  const cache = new ChunkCache(messages);
  const encoding = new FakeEncoding();
  for (let round = 0; round < 2; round += 1) {
    for (let from = 0; from < 20; from += 1) {
      expect(encoding.meaning(cache.get(encoding, from, 20))).toEqual({
        type: 'pushes',
        deliveries: messages.slice(from),
      });
    }
  }
  expect(encoding.encoded).toBe(40);
});

it('makes slices anew once cleared', () => {
  const cache = new ChunkCache(messages);
  const encoding = new FakeEncoding();
  const before = cache.get(encoding, 0, 20);
  cache.clear();
  expect(cache.get(encoding, 0, 20)).not.toBe(before);
});
