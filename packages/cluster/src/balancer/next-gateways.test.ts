import type { NodeInfo, Topology } from '@im/protocol/ports';
import { seededRandom } from '@im/protocol/testing';
import { describe, expect, it } from 'vitest';
import { nodeOf } from '../nodes.fixture.js';
import { nextGateways } from './next-gateways.js';

/** How many of the clients of `a` go to each of the others. */
function share(clients: number, ...nodes: NodeInfo[]): Readonly<Record<string, number>> {
  const next = nextGateways({
    topology: { current: { epoch: 1, nodes } },
    from: 'a',
    clients,
    random: seededRandom(5),
  });
  const counts: Record<string, number> = {};
  for (let client = 0; client < clients; client++) {
    const address = next() ?? 'nowhere';
    counts[address] = (counts[address] ?? 0) + 1;
  }
  return counts;
}

describe('where the clients of a gateway go', () => {
  it('is to all others alike when these are equally loaded', () => {
    const counts = share(9_000, nodeOf('a', { load: 0.6 }), nodeOf('b'), nodeOf('c'), nodeOf('d'));
    expect(Object.keys(counts).sort()).toEqual(['ws://b.test/', 'ws://c.test/', 'ws://d.test/']);
    for (const count of Object.values(counts)) expect(Math.abs(count - 3_000)).toBeLessThan(300);
  });

  it('is to the less loaded ones until they are as loaded as the others, not all to one', () => {
    const counts = share(9_000, nodeOf('a', { load: 0.6 }), nodeOf('b', { load: 0.1 }), nodeOf('c', { load: 0.4 }));
    // 0.1 + 0.45 and 0.4 + 0.15.
    expect(counts['ws://b.test/']).toBeGreaterThan(6_500);
    expect(counts['ws://b.test/']).toBeLessThan(7_000);
    expect(counts['ws://c.test/']).toBeGreaterThan(2_000);
  });

  it('is to several also while nobody has anything to do', () => {
    const counts = share(1_000, nodeOf('a'), nodeOf('b', { load: 0.001 }), nodeOf('c'));
    expect(counts['ws://b.test/']).toBeGreaterThan(400);
    expect(counts['ws://c.test/']).toBeGreaterThan(400);
  });

  it('is to gateways of the same region while one takes clients', () => {
    const eu = { labels: { region: 'eu' } };
    const counts = share(100, nodeOf('a', eu), nodeOf('b', eu), nodeOf('c'));
    expect(counts).toEqual({ 'ws://b.test/': 100 });
  });

  it('is nowhere while no other gateway takes clients', () => {
    expect(share(10, nodeOf('a'), nodeOf('b', { draining: true }))).toEqual({ nowhere: 10 });
  });

  it('follows the topology, and remembers what it has sent', () => {
    const topology: { current: Topology } = {
      current: { epoch: 1, nodes: [nodeOf('a', { load: 0.5 }), nodeOf('b'), nodeOf('c')] },
    };
    const next = nextGateways({ topology, from: 'a', clients: 1_000, random: seededRandom(5) });
    for (let client = 0; client < 500; client++) next();
    topology.current = { epoch: 2, nodes: [nodeOf('b'), nodeOf('c', { draining: true }), nodeOf('d')] };
    const after = Array.from({ length: 200 }, () => next());
    expect(after).not.toContain('ws://c.test/');
    // As many as `b` already has.
    expect(after.filter((address) => address === 'ws://d.test/').length).toBeGreaterThan(190);
  });
});
