import type { Delivery } from '@im/protocol';
import type { Page } from '@im/timeline';
import { describe, expect, it } from 'vitest';
import { FakeLink } from '../testing/index.js';
import { ReplayChunks } from './replay-chunks.js';

const NO_EVENTS = { received() {}, heard() {}, confirmed() {}, malformed() {}, oversized() {}, closed() {} };
const page = (): Page => ({
  ...{ epoch: 'e', version: 2, first: 1 },
  entries: [1, 2].map((version) => ({ version, id: `m${version}`, event: 'gift', body: Buffer.from('1'), time: 0 })),
});

/** An encoding that counts. */
function counting() {
  const made: (readonly Delivery[])[] = [];
  const { wire } = new FakeLink(() => NO_EVENTS);
  const pushesToOne = (deliveries: readonly Delivery[]): Uint8Array => {
    made.push(deliveries);
    return wire.pushesToOne(deliveries);
  };
  return { made, wire, encoding: { ...wire, pushesToOne } };
}

describe('ReplayChunks', () => {
  it('encodes a page once for all who are sent it in an encoding, and once for each encoding', () => {
    const [one, other] = [counting(), counting()];
    const chunks = new ReplayChunks();
    const read = page();
    const chunk = chunks.whole('r:1', read, one.encoding);
    expect(chunks.whole('r:1', read, one.encoding)).toBe(chunk);
    expect(chunks.whole('r:1', read, other.encoding)).toEqual(chunk);
    expect([one.made.length, other.made.length]).toEqual([1, 1]);
    expect(chunk).toEqual(one.wire.pushesToOne(one.made[0] ?? []));
    expect(one.made[0]?.map(({ group, epoch, version }) => [group, epoch, version])).toEqual([
      ['r:1', 'e', 1],
      ['r:1', 'e', 2],
    ]);
  });

  it('encodes each page by itself', () => {
    const { made, encoding } = counting();
    const chunks = new ReplayChunks();
    for (const read of [page(), page()]) chunks.whole('r:1', read, encoding);
    expect(made).toHaveLength(2);
  });
});
