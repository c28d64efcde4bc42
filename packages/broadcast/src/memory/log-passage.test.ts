import { RecordingMetrics } from '@im/protocol/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LogPassage, type Place } from './log-passage.js';
import { NodeFigures } from './node-figures.js';

const publication = { lane: 'priority', event: 'gift', body: new Uint8Array(10), time: 1 } as const;

function setUp({ maxMessages = 100, maxBytes = 1_000 } = {}) {
  const released: Place[] = [];
  const metrics = new RecordingMetrics();
  const figures = new NodeFigures(metrics);
  const passage = new LogPassage({ maxMessages, maxBytes, figures, release: (place) => released.push(place) });
  return { passage, released, metrics };
}

describe('LogPassage', () => {
  it('lets each group out in the order of entering, as soon as that allows, whatever the order of settling', () => {
    const entered = fc.array(fc.record({ group: fc.constantFrom('a', 'b'), rank: fc.nat() }), { maxLength: 30 });
    fc.assert(
      fc.property(entered, (members) => {
        const { passage, released } = setUp();
        const places = members.map(({ group }) => passage.enter(group, publication, 0));
        const settling = places.map((place, index) => ({ place, rank: members[index]?.rank ?? 0 }));
        settling.sort((a, b) => a.rank - b.rank);
        for (const { place } of settling) {
          passage.settle(place, undefined);
          for (const group of ['a', 'b']) {
            const ofGroup = places.filter((each) => each.group === group);
            const waiting = ofGroup.findIndex(({ settled }) => !settled);
            const due = waiting < 0 ? ofGroup : ofGroup.slice(0, waiting);
            expect(released.filter((each) => each.group === group)).toEqual(due);
          }
        }
        expect(released).toHaveLength(places.length);
      }),
    );
  });

  it.each([
    ['messages', { maxMessages: 2 }],
    ['bytes', { maxBytes: 20 }],
  ])('takes no more %s than may be under way until one of them has left', (_, limits) => {
    const { passage, metrics } = setUp(limits);
    const place = passage.enter('a', publication, 10);
    passage.settle(place, undefined);
    passage.enter('b', publication, 10);
    expect(() => passage.enter('c', publication, 10)).toThrow(expect.objectContaining({ name: 'QUEUE_FULL' }));
    expect(metrics.value('im_broadcast_refused_total')).toBe(1);
    expect(passage.isCrowded).toBe(true);
    passage.leave(place);
    expect(passage).toMatchObject({ messages: 1, bytes: 10, isCrowded: false });
    passage.enter('c', publication, 10);
  });

  it('counts the bytes of one message to several groups once, and tells for which of them there is no room', () => {
    const { passage } = setUp({ maxMessages: 2 });
    const { places, refused } = passage.enterEach(['a', 'b', 'c'], publication);
    expect(places.map(({ group, bytes }) => [group, bytes])).toEqual([
      ['a', 4],
      ['b', 4],
    ]);
    expect([...refused]).toEqual([['c', expect.objectContaining({ name: 'QUEUE_FULL' })]]);
  });
});
