import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rendezvousOwner } from './rendezvous.js';

const names = fc.uniqueArray(fc.stringMatching(/^[a-z0-9-]{1,20}$/), { minLength: 2, maxLength: 12 });
const groups = Array.from({ length: 200 }, (_, number) => `r:${number}`);

describe('rendezvousOwner', () => {
  it('says the same whatever the order of the nodes', () => {
    fc.assert(
      fc.property(names, (nodes) => {
        const reversed = [...nodes].reverse();
        for (const group of groups) expect(rendezvousOwner(group, reversed)).toBe(rendezvousOwner(group, nodes));
      }),
      { numRuns: 50 },
    );
  });

  it('moves the groups of a node that goes, and no others', () => {
    fc.assert(
      fc.property(names, ([gone, ...rest]) => {
        for (const group of groups) {
          const before = rendezvousOwner(group, [gone as string, ...rest]);
          if (before !== gone) expect(rendezvousOwner(group, rest)).toBe(before);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('shares 10,000 rooms out evenly among nodes whose names are alike', () => {
    const nodes = ['node-1', 'node-2', 'node-3', 'node-4'];
    const counts = new Map(nodes.map((node) => [node, 0]));
    for (let room = 0; room < 10_000; room++) {
      const owner = rendezvousOwner(`r:${room}`, nodes) as string;
      counts.set(owner, (counts.get(owner) ?? 0) + 1);
    }
    for (const count of counts.values()) expect(Math.abs(count - 2_500)).toBeLessThan(250);
  });

  it('knows no owner without nodes', () => {
    expect(rendezvousOwner('r:1', [])).toBeUndefined();
  });
});
