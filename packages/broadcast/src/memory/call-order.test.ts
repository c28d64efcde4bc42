import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CallOrder, type Place } from './call-order.js';

const publication = { lane: 'priority', event: 'gift', body: new Uint8Array(), time: 1 } as const;

describe('CallOrder', () => {
  it('lets each group out in the order of entering, as soon as that allows, whatever the order of settling', () => {
    const entered = fc.array(fc.record({ group: fc.constantFrom('a', 'b'), rank: fc.nat() }), { maxLength: 30 });
    fc.assert(
      fc.property(entered, (members) => {
        const released: Place[] = [];
        const order = new CallOrder((place) => released.push(place));
        const places = members.map(({ group }) => order.enter(group, publication, 0));
        const settling = places.map((place, index) => ({ place, rank: members[index]?.rank ?? 0 }));
        settling.sort((a, b) => a.rank - b.rank);
        for (const { place } of settling) {
          order.settle(place, undefined);
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
});
